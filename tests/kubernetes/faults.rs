//! The connection breaks, in the middle of everything.

use std::time::{Duration, Instant};

use dragnet::executor::kubernetes::KubernetesExecutor;
use dragnet::executor::kubernetes::session::STALL;
use dragnet::executor::{Executor as _, ExecutorError, LogChunk, Observation, Observed};
use futures::StreamExt as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::harness::Attempt;
use super::lab::{Lab, options};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// A way to the cluster that can be closed and opened.
struct Way {
    open: watch::Sender<bool>,
    kubeconfig: String,
    task: tokio::task::JoinHandle<()>,
}

impl Way {
    async fn to(lab: &Lab) -> Self {
        let file = std::fs::read_to_string(&lab.cluster.kubeconfig).unwrap();
        let (before, address) = file.split_once("server: \"").unwrap();
        let (address, after) = address.split_once('"').unwrap();
        let server = address.trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = listener.local_addr().unwrap();
        let path = lab.state.path().join("kubeconfig");
        std::fs::write(&path, format!("{before}server: \"https://{ours}\"{after}")).unwrap();
        let (open, opened) = watch::channel(true);
        let task = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (mut opened, server) = (opened.clone(), server.clone());
                tokio::spawn(async move {
                    if !*opened.borrow() {
                        return;
                    }
                    let mut far = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = opened.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { open, kubeconfig: path.to_str().unwrap().to_owned(), task }
    }

    /// Breaks every connection, and lets new ones through.
    async fn cut(&self) {
        self.open.send(false).unwrap();
        // The listener looks on; each connection does until it is closed.
        let closed = async {
            while self.open.receiver_count() > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, closed).await.unwrap();
        self.open.send(true).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_outlives_every_connection() {
    let Some(lab) = Lab::start().await else { return };
    let way = Way::to(&lab).await;
    let mut options = options(&lab.cluster, lab.state.path());
    options.kubeconfig = Some(way.kubeconfig.clone());
    let executor = KubernetesExecutor::connect(options).await.unwrap();
    let mut watch = executor.observe(lab.instance);
    assert_eq!(watch.next().await, Some(Observation::Listing(Vec::new())));
    let attempt = Attempt::script(
        &lab,
        "echo ready; while [ ! -e /tmp/go ] && [ $((n+=1)) -lt 100 ]; do sleep 0.1; done; echo found >{out}/r",
    );
    executor.launch(&attempt.0).await.unwrap();
    until(&mut watch, |seen| matches!(seen, Observation::Changed(name, Observed::Running) if name == attempt.name()))
        .await;

    way.open.send(false).unwrap();
    until(&mut watch, |seen| matches!(seen, Observation::Unreachable(_))).await;
    let into = tempfile::tempdir().unwrap();
    let error = executor.fetch(&attempt.0, into.path()).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::Unreachable(_)), "silence says nothing about the attempt: {error}");
    // It goes on without us, and ends.
    attempt.ended(&lab).await;
    way.open.send(true).unwrap();
    let ended = Observed::Exited { code: Some(0), out_of_memory: false, error: None };
    let listed = Observation::Listing(vec![(attempt.name().clone(), ended)]);
    until(&mut watch, |seen| *seen == listed).await;
    let sealed = executor.fetch(&attempt.0, into.path()).await.unwrap();
    assert_eq!(super::harness::Fetched { into, sealed }.text("work/r"), "found\n");
    executor.remove(attempt.name()).await.unwrap();
    until(&mut watch, |seen| *seen == Observation::Gone(attempt.name().clone())).await;
    way.task.abort();
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_cut_is_known_to_be_at_once() {
    let Some(lab) = Lab::start().await else { return };
    let way = Way::to(&lab).await;
    let mut options = options(&lab.cluster, lab.state.path());
    options.kubeconfig = Some(way.kubeconfig.clone());
    let executor = KubernetesExecutor::connect(options).await.unwrap();
    let attempt = Attempt::script(&lab, "echo ready; sleep 1000");
    executor.launch(&attempt.0).await.unwrap();
    attempt.says(&lab, "ready").await;
    let ready = |chunk: &LogChunk| chunk.lines.iter().any(|line| line.bytes == b"ready");
    assert!(ready(&executor.logs(attempt.name(), 1).await.unwrap()));
    way.cut().await;
    // The session that the first question was asked in is kept for the second, which finds it broken and opens another.
    let asked = Instant::now();
    assert!(ready(&executor.logs(attempt.name(), 1).await.unwrap()));
    let took = asked.elapsed();
    assert!(took < STALL / 2, "silence was waited out: {took:?}");
    attempt.remove(&lab).await;
    way.task.abort();
    lab.finish().await;
}

async fn until(watch: &mut futures::stream::BoxStream<'static, Observation>, wanted: impl Fn(&Observation) -> bool) {
    let look = async { while !wanted(&watch.next().await.unwrap()) {} };
    tokio::time::timeout(PATIENCE, look).await.unwrap();
}
