//! A mail server on this machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::machine::Machine;

/// Takes mails, one connection after another; answers recipients so.
fn serve(answer: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (sender, mails) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Whoever hangs up has nothing more to say.
            drop(talk(&stream, answer, &sender));
        }
    });
    (host, mails)
}

fn talk(mut stream: &TcpStream, answer: &str, mails: &Sender<String>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut envelope = String::new();
    stream.write_all(b"220 stub\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => stream.write_all(b"250-stub\r\n250 8BITMIME\r\n")?,
            "MAIL" => {
                envelope = line;
                stream.write_all(b"250 ok\r\n")?;
            }
            "RCPT" => {
                envelope = format!("{envelope}\n{line}");
                stream.write_all(format!("{answer}\r\n").as_bytes())?;
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut mail = envelope.clone();
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    mail = format!("{mail}\n{line}");
                }
                mails.send(mail).ok();
                stream.write_all(b"250 queued as 1\r\n")?;
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => stream.write_all(b"250 ok\r\n")?,
        }
    }
    Ok(())
}

fn route(host: &str) -> String {
    format!(
        "[[notify]]\nname = 'mail'\nkind = 'email'\nsmtp = 'smtp://{host}'\nfrom = 'dragnet <a@b.example>'\n\
         to = ['c@d.example', 'e@f.example']\nevents = ['scan.*', 'finding.new']\n"
    )
}

#[test]
fn a_mail_is_sent_to_all_with_the_notifications_id() {
    let (host, mails) = serve("250 ok");
    let machine = Machine::new(&route(&host));
    machine.import(2);
    machine.say(&["notify", "run"]);
    let ids: Vec<String> = machine.notifications().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    let (first, second) = (mails.recv().unwrap(), mails.recv().unwrap());
    assert!(first.contains("RCPT TO:<c@d.example>") && first.contains("RCPT TO:<e@f.example>"), "{first}");
    assert!(
        first.contains("Subject: [dragnet] ") && first.contains(&format!("<{}@dragnet.invalid>", ids[1])),
        "{first}"
    );
    assert!(second.contains("2 new findings") && second.contains(&ids[0]), "{second}");
    assert!(machine.say(&["notify", "test", "mail"]).contains("queued as 1"));
}

#[test]
fn a_mailbox_that_does_not_exist_is_given_up_and_a_busy_one_tried_again() {
    for (answer, state) in [("550 no such user", "dead"), ("451 come back later", "pending")] {
        let (host, _mails) = serve(answer);
        let machine = Machine::new(&route(&host).replace("['scan.*', 'finding.new']", "'scan.*'"));
        machine.import(1);
        machine.say(&["notify", "run"]);
        assert_eq!(machine.states(), [state], "{answer}");
    }
}
