use futures::executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::model::registered::{EntryTags, TargetEntry};

const NOW: Timestamp = Timestamp(1000);

fn state() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn tags(words: &str) -> BTreeSet<Tag> {
    tags_of(Some(words)).unwrap()
}

fn owner(project: &str) -> Owner {
    Owner { project: project.parse().unwrap(), ..Owner::default() }
}

fn entry(project: &str, name: &str, words: &str) -> TargetEntry {
    TargetEntry {
        owner: owner(project),
        name: name.parse().unwrap(),
        target: format!("domain:{name}.example").parse().unwrap(),
        tags: EntryTags::Only(tags(words)),
        enabled: None,
        template: None,
        note: None,
    }
}

fn add(store: &Store, entry: TargetEntry) -> Merged {
    block_on(store.add_target(entry, Existing::Refuse, "me", NOW)).unwrap()
}

fn names(store: &Store, filter: &TargetFilter) -> Vec<String> {
    let mut cursor = store.target_cursor(filter, TargetId(0)).unwrap();
    let mut names = Vec::new();
    loop {
        let page = store.next_targets(&mut cursor, 2).unwrap();
        if page.is_empty() {
            assert_eq!(store.count_targets(filter, 1000).unwrap(), names.len() as u64);
            return names;
        }
        names.extend(page.into_iter().map(|target| target.name.to_string()));
    }
}

#[test]
fn a_target_is_read_as_it_was_added() {
    let (_dir, store) = state();
    let mut new = entry("web", "shop", "prod team/a");
    (new.template, new.note) = (Some("ports".to_owned()), Some("mind the load".to_owned()));
    assert_eq!(add(&store, new.clone()), Merged::Added);
    let found = store.target(&owner("web"), &new.name).unwrap().unwrap();
    assert_eq!(
        (found.target.clone(), found.tags.clone(), found.enabled),
        (new.target.clone(), tags("prod team/a"), true)
    );
    assert_eq!((found.template.as_deref(), found.note.as_deref()), (Some("ports"), Some("mind the load")));
    assert_eq!((found.created_at, found.updated_at, found.actor.as_str()), (NOW, NOW, "me"));
    assert_eq!(found.key(), "name:shop");
    assert_eq!(store.target(&Owner::default(), &new.name).unwrap(), None);
    let again = block_on(store.add_target(new.clone(), Existing::Refuse, "me", NOW));
    assert!(matches!(again, Err(StoreError::TargetExists { name, project }) if name == "shop" && project == "web"));
    // Another project may have the same name.
    add(&store, entry("default", "shop", ""));
    assert_eq!(store.targets_named(&new.name, None, None).unwrap().len(), 2);
    assert_eq!(store.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_change_touches_what_it_names() {
    let (_dir, store) = state();
    let mut first = entry("default", "shop", "prod old");
    first.note = Some("a".to_owned());
    add(&store, first.clone());
    let change = |entry: &TargetEntry| {
        let at = NOW.plus_ms(5);
        let merged = block_on(store.add_target(entry.clone(), Existing::Change, "you", at)).unwrap();
        (merged, store.target(&entry.owner, &entry.name).unwrap().unwrap())
    };
    let silent = TargetEntry { tags: EntryTags::Also(tags("")), note: None, ..first };
    let (merged, target) = change(&silent);
    assert_eq!((merged, target.updated_at, target.actor.as_str()), (Merged::Unchanged, NOW, "me"));
    let more = TargetEntry { tags: EntryTags::Also(tags("new")), enabled: Some(false), ..silent };
    let (merged, target) = change(&more);
    assert_eq!((merged, target.tags, target.enabled), (Merged::Updated, tags("new old prod"), false));
    assert_eq!((target.updated_at, target.actor.as_str(), target.created_at), (NOW.plus_ms(5), "you", NOW));
    let other = TargetEntry { tags: EntryTags::Only(tags("new")), note: Some(String::new()), ..more };
    let (_, target) = change(&other);
    assert_eq!((target.tags, target.note, target.enabled), (tags("new"), None, false));
    let filter = TargetFilter { tags: vec!["prod".parse().unwrap()], ..TargetFilter::default() };
    assert_eq!(names(&store, &filter), Vec::<String>::new());
}

#[test]
fn targets_are_chosen_by_rows_and_by_tags() {
    let (_dir, store) = state();
    for (project, name, words) in [("a", "one", "x y"), ("a", "two", "x"), ("b", "three", "x"), ("b", "four", "y")] {
        add(&store, entry(project, name, words));
    }
    let tagged = |project: Option<&str>| Chosen::Tagged {
        tag: "x".parse().unwrap(),
        organisation: None,
        project: project.map(|name| name.parse().unwrap()),
    };
    let switch = |chosen, on| block_on(store.set_targets_enabled(chosen, on, "me", NOW)).unwrap();
    assert_eq!(switch(tagged(Some("a")), false), 2);
    assert_eq!(switch(tagged(None), false), 1, "two are disabled already");
    assert_eq!(names(&store, &TargetFilter { enabled: Some(true), ..TargetFilter::default() }), ["four"]);
    let one = store.target(&owner("a"), &"one".parse().unwrap()).unwrap().unwrap().id;
    assert_eq!(switch(Chosen::Rows(vec![one]), true), 1);
    let gone = Chosen::Rows(vec![one, TargetId(99)]);
    assert!(matches!(block_on(store.remove_targets(gone)), Err(StoreError::NotFound(_))));
    assert_eq!(names(&store, &TargetFilter::default()).len(), 4, "all or none");
    assert_eq!(block_on(store.remove_targets(Chosen::Rows(vec![one]))).unwrap(), 1);
    assert_eq!(block_on(store.remove_targets(tagged(None))).unwrap(), 2);
    assert_eq!(names(&store, &TargetFilter::default()), ["four"]);
    // Rows are not used again: who went on from one sees what is new.
    add(&store, entry("a", "five", ""));
    let last = store.target(&owner("a"), &"five".parse().unwrap()).unwrap().unwrap().id;
    assert_eq!(last, TargetId(5));
    assert_eq!(store.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn entries_are_merged_together_and_once() {
    let (_dir, store) = state();
    add(&store, entry("default", "old", "x"));
    add(&store, entry("default", "same", "x"));
    let stage = || {
        let mut staging = store.stage_targets().unwrap();
        assert_eq!(staging.add(2, &entry("default", "old", "y")).unwrap(), Staged::New);
        assert_eq!(staging.add(3, &entry("default", "same", "x")).unwrap(), Staged::New);
        assert_eq!(staging.add(4, &entry("fresh", "new", "x")).unwrap(), Staged::New);
        assert_eq!(staging.add(5, &entry("fresh", "new", "x")).unwrap(), Staged::Again);
        assert_eq!(staging.add(6, &entry("fresh", "new", "y")).unwrap(), Staged::Contradicts(4));
        assert_eq!(staging.entries(), 3);
        staging
    };
    let staging = stage();
    let mut entries = staging.after(None, 2).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["old", "same"]);
    entries.extend(staging.after(entries.last(), 2).unwrap());
    assert!(entries.len() == 3 && staging.after(entries.last(), 2).unwrap().is_empty(), "{entries:?}");
    let expected = Tally::from([(Merged::Added, 1), (Merged::Updated, 1), (Merged::Unchanged, 1)]);
    assert_eq!(store.compare_targets(&entries).unwrap(), expected);
    assert_eq!(names(&store, &TargetFilter::default()).len(), 2, "comparing writes nothing");
    assert_eq!(block_on(store.merge_targets(entries.clone(), "me", NOW)).unwrap(), expected);
    let all = Tally::from([(Merged::Unchanged, 3)]);
    assert_eq!(block_on(store.merge_targets(entries, "me", NOW)).unwrap(), all);
    let drafts = std::fs::read_dir(store.dir().join("artifacts")).unwrap().count();
    assert_eq!(drafts, 0, "the file of a staging has no name");
}

/// A target, by what filters look at.
#[derive(Debug, Clone)]
struct Made {
    project: u8,
    tags: BTreeSet<u8>,
    enabled: bool,
    is_host: bool,
}

fn made() -> impl Strategy<Value = Made> {
    (0..3u8, proptest::collection::btree_set(0..4u8, 0..4), any::<bool>(), any::<bool>())
        .prop_map(|(project, tags, enabled, is_host)| Made { project, tags, enabled, is_host })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_filter_finds_what_it_says(
        all in proptest::collection::vec(made(), 0..20),
        wanted in proptest::collection::btree_set(0..4u8, 0..3),
        enabled: Option<bool>,
        project in proptest::option::of(0..4u8),
        host: bool,
    ) {
        let (_dir, store) = state();
        for (number, one) in all.iter().enumerate() {
            let words: Vec<String> = one.tags.iter().map(|tag| format!("t{tag}")).collect();
            let kind = if one.is_host { "host" } else { "domain" };
            add(&store, TargetEntry {
                target: format!("{kind}:{number}.example").parse().unwrap(),
                enabled: Some(one.enabled),
                ..entry(&format!("p{}", one.project), &number.to_string(), &words.join(" "))
            });
        }
        let filter = TargetFilter {
            tags: wanted.iter().map(|tag| format!("t{tag}").parse().unwrap()).collect(),
            enabled,
            kind: host.then_some(TargetKind::Host),
            organisation: None,
            project: project.map(|project| format!("p{project}").parse().unwrap()),
        };
        let expected: Vec<String> = all.iter().enumerate().filter(|(_, one)| {
            one.tags.is_superset(&wanted)
                && enabled.is_none_or(|enabled| enabled == one.enabled)
                && project.is_none_or(|project| project == one.project)
                && (!host || one.is_host)
        }).map(|(number, _)| number.to_string()).collect();
        prop_assert_eq!(names(&store, &filter), expected);
    }
}
