//! Routes: which values of a document are meant.

/// A route that still fits, and what of it lies ahead.
#[derive(Clone, Copy)]
pub(super) struct Lead {
    pub(super) route: usize,
    pub(super) full: &'static str,
    pub(super) rest: &'static str,
    /// Whether nobody but the mask asks for what is there.
    pub(super) masks: bool,
}

impl Lead {
    /// Follows a key (`None`: an element of an array).
    fn follow(self, key: Option<&str>) -> Option<Self> {
        let (segment, rest) = self.rest.split_once('/').unwrap_or((self.rest, ""));
        let fits = match key {
            None => segment == "[]",
            Some(key) => segment != "[]" && (segment == "*" || segment == "@" || segment == key),
        };
        fits.then_some(Self { rest, ..self })
    }

    pub(super) fn wants_array(self) -> bool {
        self.rest == "[]" || self.rest.starts_with("[]/")
    }

    /// Whether the last segment that was followed tells its key.
    pub(super) fn tells_key(self) -> bool {
        self.followed().rsplit('/').next() == Some("@")
    }

    /// The part of the route that has been followed.
    pub(super) fn followed(self) -> &'static str {
        self.full[..self.full.len() - self.rest.len()].trim_end_matches('/')
    }
}

/// All routes, at the root of a document; `masks` behind the others.
pub(super) fn leads(routes: &[&'static str], masks: &[&'static str]) -> Vec<Lead> {
    let lead = |masks: bool| move |(route, full): (usize, &&'static str)| Lead { route, full, rest: full, masks };
    let others = masks.iter().enumerate().filter(|(_, mask)| !routes.contains(mask));
    routes.iter().enumerate().map(lead(false)).chain(others.map(lead(true))).collect()
}

/// The routes that go on at `key`.
pub(super) fn narrow(active: &[Lead], key: Option<&str>) -> Vec<Lead> {
    active.iter().filter_map(|lead| lead.follow(key)).collect()
}

/// The route that ends here.
pub(super) fn ended(active: &[Lead]) -> Option<Lead> {
    active.iter().find(|lead| lead.rest.is_empty()).copied()
}
