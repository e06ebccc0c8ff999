//! What is signed, and what no text shows.

use super::*;

fn options() -> S3Options {
    S3Options {
        endpoint: "https://s3.example".to_owned(),
        region: "here".to_owned(),
        bucket: "scans".to_owned(),
        prefix: "/team/".to_owned(),
        path_style: true,
        keys: S3Keys {
            access_key_id: "ID".to_owned(),
            secret_access_key: "s3cret".to_owned(),
            session_token: Some("t0ken".to_owned()),
        },
        expires: Duration::from_hours(1),
        ca: None,
    }
}

#[test]
fn addresses_are_of_the_attempts_own_objects_and_hold_no_key() {
    let storage = Storage::new(options()).unwrap();
    let name: AttemptName = "dn-aaaaaaaa-bbbbbbbb-step-0-a01".parse().unwrap();
    let directory = storage.directory(&name);
    assert_eq!(directory, format!("team/aaaaaaaa/{name}/"));
    let slot = storage.slot(&format!("{directory}part-0000"), true);
    let begin = format!("https://s3.example/scans/{directory}part-0000?");
    assert!(slot.put.starts_with(&begin) && slot.get.starts_with(&begin), "{}", slot.put);
    assert!(slot.put.contains("X-Amz-SignedHeaders=host%3Bif-none-match"), "nobody may leave the condition out");
    assert!(slot.put.contains("X-Amz-Expires=3600") && !slot.put.contains("s3cret"), "{}", slot.put);
    assert!(!storage.slot("x", false).put.contains("if-none-match"));
}

#[test]
fn keys_are_not_shown() {
    let text = format!("{:?}", options());
    assert!(!text.contains("s3cret") && !text.contains("t0ken"), "{text}");
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let refused = |change: fn(&mut S3Options)| {
        let mut options = options();
        change(&mut options);
        Storage::new(options).map(drop).unwrap_err().to_string()
    };
    assert!(refused(|one| one.expires = MAX_EXPIRES + Duration::from_secs(1)).contains("7 days"));
    assert!(refused(|one| one.endpoint = "s3.example".to_owned()).contains("endpoint"));
    assert!(refused(|one| one.endpoint = "ftp://s3.example".to_owned()).contains("endpoint"));
    assert!(refused(|one| one.ca = Some("none".to_owned())).contains("certificate"));
}
