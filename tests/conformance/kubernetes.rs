//! The suite against a cluster.

use std::sync::Arc;

use super::cases;
use super::harness::Harness;
use super::lab::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn kubernetes_conforms() {
    let Some(lab) = Lab::start().await else { return };
    let lab = Arc::new(lab);
    let shared: Arc<dyn Harness> = lab.clone();
    let failed = cases::run_all(&shared).await;
    if failed.is_empty() {
        lab.finish().await;
    } else {
        lab.cluster.finish().await;
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
