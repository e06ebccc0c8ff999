//! Certificates for an engine that asks for them, made by `openssl`.

use std::path::Path;
use std::process::{Command, Stdio};

/// Makes, in a directory, an authority (`ca`), a server's and a client's certificate; and in `strange` those of another authority.
pub(super) fn make(dir: &Path) {
    let strange = dir.join("strange");
    std::fs::create_dir(&strange).unwrap();
    for dir in [dir, &strange] {
        openssl(dir, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.pem");
        issue(dir, "server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth");
        issue(dir, "client", "extendedKeyUsage=clientAuth");
        for (from, to) in [("client.pem", "cert.pem"), ("client-key.pem", "key.pem")] {
            std::fs::rename(dir.join(from), dir.join(to)).unwrap();
        }
    }
}

/// What a dockerd is told about them.
pub(super) fn server_options(dir: &Path) -> String {
    let dir = dir.display();
    format!("--tlsverify --tlscacert {dir}/ca.pem --tlscert {dir}/server.pem --tlskey {dir}/server-key.pem")
}

fn issue(dir: &Path, name: &str, extensions: &str) {
    std::fs::write(dir.join("extensions"), extensions).unwrap();
    openssl(dir, &format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}-key.pem -out {name}.csr"));
    openssl(
        dir,
        &format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile extensions -out {name}.pem"
        ),
    );
}

fn openssl(dir: &Path, arguments: &str) {
    let status = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).stderr(Stdio::null()).status();
    assert!(status.unwrap().success(), "openssl {arguments}");
}
