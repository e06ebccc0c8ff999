//! The manifests as a whole, and what must be true of every one.

use std::sync::Arc;

use super::*;
use crate::executor::kubernetes::options::PodOptions;
use crate::model::id::{JobName, Key8, Sha256};
use crate::model::scanner::{ExitCodes, HardeningException, Limits, SecretRef};
use crate::model::spec::{DataTree, ShimJob};
use crate::model::unit::Span;
use crate::model::upload::{Slot, Upload};

fn rules() -> PodRules {
    let options = PodOptions {
        labels: [("team", "blue"), (label::ROLE, "mine")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        start_timeout: Duration::from_mins(15),
        hold: Duration::from_hours(24),
        ttl: Duration::from_hours(24),
        grace: Duration::from_secs(8),
        ..PodOptions::default()
    };
    PodRules { agent_image: "registry.example/dragnet:1".to_owned(), options, ..PodRules::default() }
}

fn launch(change: impl FnOnce(&mut JobSpec)) -> Launch {
    let mut spec = JobSpec {
        scanner: "test".to_owned(),
        image: "scanner:1".to_owned(),
        program: "scan".to_owned(),
        command: vec!["{target}".to_owned()],
        env: [("PRICE".to_owned(), "$(HOME)".to_owned())].into(),
        source: None,
        target: "host:example.org".to_owned(),
        results: Vec::new(),
        exit_codes: ExitCodes::default(),
        accept_empty: false,
        network: Network::None,
        timeout: Span(Duration::from_mins(10)),
        limits: Limits::default(),
        secrets: BTreeMap::new(),
        data: Vec::new(),
        exceptions: Vec::new(),
    };
    change(&mut spec);
    let (instance, scan) = (Key8::from_bits(1), Key8::from_bits(2));
    let job = JobName { step: "test".parse().unwrap(), chunk: 0 };
    Launch::new(instance, scan, job, 1, Arc::new(spec), Arc::new([]))
}

fn everything() -> Launch {
    launch(|spec| {
        spec.source = Some(Sha256::of("source"));
        let (name, mount, version) = ("db".to_owned(), "/db".to_owned(), "1".to_owned());
        spec.data = vec![DataTree { name, mount, sha256: Sha256::of("data"), version, stale: false }];
        spec.secrets.insert("token".to_owned(), SecretRef::Env("TOKEN".to_owned()));
        spec.network = Network::Egress;
    })
}

fn order(launch: &Launch) -> Order {
    Order::of(launch, ShimJob::of(launch, 8000))
}

fn made(launch: &Launch) -> Job {
    job(launch, &order(launch), &rules(), false)
}

#[test]
fn the_least_and_the_most_job() {
    insta::assert_json_snapshot!("least", made(&launch(|_| ())));
    insta::assert_json_snapshot!("most", made(&everything()));
}

#[test]
fn secret_and_policy() {
    let launch = everything();
    let values = [("token".to_owned(), b"s3cret".to_vec())].into();
    insta::assert_json_snapshot!("secret", secret(&launch, values));
    insta::assert_json_snapshot!("isolation", isolation(launch.instance));
}

#[test]
fn a_probe_tries_the_scanners_policy_on_one_of_two_pods_like_theirs() {
    let (instance, name) = (Key8::from_bits(1), "dn-00000001-probe-00000002");
    let of = |side| {
        let mut job = probe::job(name, instance, side, &rules());
        job.metadata.uid = Some("1234".to_owned());
        job
    };
    let (near, far) = (of(probe::Side::Near), of(probe::Side::Far));
    insta::assert_json_snapshot!("probe", near);

    let policy = probe::policy(name, instance, &near);
    let (tried, scanners) = (policy.spec.unwrap(), isolation(instance).spec.unwrap());
    let without_pods = |spec: &NetworkPolicySpec| NetworkPolicySpec { pod_selector: None, ..spec.clone() };
    assert_eq!(without_pods(&tried), without_pods(&scanners));
    assert_eq!(policy.metadata.owner_references.unwrap()[0].uid, "1234", "it goes with the Job");

    let labels = |job: &Job| job.spec.as_ref().unwrap().template.metadata.clone().unwrap().labels.unwrap();
    let held = |policy: &NetworkPolicySpec, job| {
        let chosen = policy.pod_selector.clone().unwrap().match_labels.unwrap();
        chosen.iter().all(|label| labels(job).contains_key(label.0) && &labels(job)[label.0] == label.1)
    };
    assert!(held(&tried, &near) && !held(&tried, &far));
    // Nor does the one of real scanners, which may be there, decide what is seen without a policy.
    assert!(!held(&scanners, &near) && !held(&scanners, &far));

    let pod = |job: Job| job.spec.unwrap().template.spec.unwrap();
    let scanner = pod(made(&launch(|_| ())));
    let bare = |pod: PodSpec| PodSpec { containers: Vec::new(), init_containers: None, volumes: None, ..pod };
    let own = scanner.containers[1].security_context.clone();
    for pod in [pod(near), pod(far)] {
        assert_eq!(pod.containers[0].security_context, own);
        assert_eq!(bare(pod), bare(scanner.clone()));
    }
}

#[test]
fn every_container_is_hardened_and_no_exception_reaches_ours() {
    let excepted = launch(|spec| {
        for item in [HardeningItem::ReadOnlyRoot, HardeningItem::DropNetRaw] {
            spec.exceptions.push(HardeningException { item, reason: String::new() });
        }
    });
    for (launch, open) in [(everything(), false), (excepted, true)] {
        let pod = made(&launch).spec.unwrap().template.spec.unwrap();
        assert_eq!((pod.automount_service_account_token, pod.host_network), (Some(false), None));
        for container in pod.containers.iter().chain(pod.init_containers.iter().flatten()) {
            let security = container.security_context.as_ref().unwrap();
            let capabilities = security.capabilities.as_ref().unwrap();
            let open = open && container.name == SCAN;
            assert_eq!(security.allow_privilege_escalation, Some(false));
            assert_eq!(security.read_only_root_filesystem, Some(!open), "{}", container.name);
            assert_eq!(capabilities.drop.as_deref(), Some(&["ALL".to_owned()][..]));
            assert_eq!(capabilities.add.is_some(), open);
            assert!(container.resources.as_ref().unwrap().limits.as_ref().unwrap().contains_key("memory"));
        }
    }
}

#[test]
fn root_is_root_everywhere_and_only_by_exception() {
    let root = launch(|spec| {
        spec.exceptions.push(HardeningException { item: HardeningItem::NonRoot, reason: String::new() });
    });
    for (launch, uid) in [(everything(), UID), (root, 0)] {
        let security = made(&launch).spec.unwrap().template.spec.unwrap().security_context.unwrap();
        assert_eq!((security.run_as_user, security.run_as_non_root), (Some(uid), Some(uid != 0)));
    }
}

#[test]
fn secrets_are_nowhere_but_in_the_secret() {
    let launch = everything();
    let text = serde_json::to_string(&made(&launch)).unwrap();
    assert!(!text.contains("TOKEN") && !text.contains("s3cret"), "{text}");
}

#[test]
fn addresses_are_mounted_in_the_keeper_alone() {
    let launch = everything();
    let pod = job(&launch, &order(&launch), &rules(), true).spec.unwrap().template.spec.unwrap();
    let volume = pod.volumes.iter().flatten().find(|one| one.name == "upload").unwrap();
    let name = volume.secret.as_ref().unwrap().secret_name.as_deref().unwrap();
    assert_eq!(name, addresses_name(launch.name.as_str()));
    for container in pod.containers.iter().chain(pod.init_containers.iter().flatten()) {
        let mounts = container.volume_mounts.as_ref().unwrap();
        let found = mounts.iter().find(|one| one.name == "upload").map(|one| (one.mount_path.as_str(), one.read_only));
        let wanted = (container.name == KEEPER).then_some(("/pod/upload", Some(true)));
        assert_eq!(found, wanted, "{}", container.name);
    }
    let slot = || Slot { put: "https://put".to_owned(), get: "https://get".to_owned() };
    let upload = Upload { version: 1, parts: vec![slot()], manifest: slot(), conditional: true, ca: None };
    let secret = addresses(&launch, &upload);
    assert_eq!(secret.metadata.labels.unwrap()[label::ROLE], "addresses");
    assert!(secret.data.unwrap().contains_key("upload.json"));
}

#[test]
fn a_claim_is_mounted_in_the_keeper_alone_and_by_its_lender() {
    let mut rules = rules();
    rules.options.results_claim = Some("results".to_owned());
    let root = launch(|spec| {
        spec.exceptions.push(HardeningException { item: HardeningItem::NonRoot, reason: String::new() });
    });
    let mounted = |container: &Container| {
        let mounts = container.volume_mounts.as_ref().unwrap();
        mounts.iter().find(|one| one.name == "kept").map(|one| one.mount_path.clone())
    };
    for launch in [everything(), root] {
        let pod = job(&launch, &order(&launch), &rules, false).spec.unwrap().template.spec.unwrap();
        for container in pod.containers.iter().chain(pod.init_containers.iter().flatten()) {
            let wanted = (container.name == KEEPER).then(|| "/pod/kept".to_owned());
            assert_eq!(mounted(container), wanted, "{}", container.name);
        }
        // Its files belong to one group, whoever the scanner runs as.
        assert_eq!(pod.security_context.unwrap().fs_group, Some(UID));
    }
    let launch = everything();
    let lender = lender(&launch.name, "results", &rules);
    let labels = lender.metadata.labels.as_ref().unwrap();
    let own = launch.labels("kept");
    assert!(own.iter().all(|(label, value)| label == label::SPEC || labels.get(label) == Some(value)), "{labels:?}");
    assert!(lender_name(&launch.name).len() <= 63);
    let pod = lender.spec.unwrap().template.spec.unwrap();
    let [container] = &pod.containers[..] else { panic!("{:?}", pod.containers) };
    assert_eq!(mounted(container).as_deref(), Some("/pod/kept"));
    let hardened = container.security_context.as_ref().unwrap();
    assert_eq!((hardened.read_only_root_filesystem, hardened.allow_privilege_escalation), (Some(true), Some(false)));
    let runs_as = pod.security_context.unwrap();
    assert_eq!((runs_as.run_as_user, runs_as.fs_group), (Some(UID), Some(UID)));
    assert_eq!((pod.automount_service_account_token, pod.volumes.unwrap().len()), (Some(false), 1));
}

#[test]
fn our_labels_win_over_the_users() {
    let labels = made(&everything()).metadata.labels.unwrap();
    assert_eq!((labels["team"].as_str(), labels[label::ROLE].as_str()), ("blue", "scan"));
}
