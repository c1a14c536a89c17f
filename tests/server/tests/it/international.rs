//! UTF8 and LANG (RFC 6856).

use pop3_test_server::{Fault, Security, Server};

use crate::client::{Client, mrose};

fn told(client: &mut Client, line: &str) -> bool {
    client.ask_lines("CAPA").iter().any(|told| told == line)
}

#[test]
fn utf8_is_for_authorization_where_it_is_announced() {
    let server = mrose().utf8().start();
    let mut client = Client::greeted(&server);
    assert!(told(&mut client, "UTF8"));
    assert_eq!(client.ask("UTF8"), "+OK UTF-8 it is");
    assert!(client.ask("UTF8 USER").starts_with("-ERR"));
    client.log_in();
    assert_eq!(client.ask("UTF8"), "-ERR already logged in");
    assert!(told(&mut client, "UTF8"));
    assert_eq!(Client::greeted(&mrose().start()).ask("UTF8"), "-ERR unknown command");
}

#[test]
fn tls_begins_before_utf8_or_not_at_all() {
    let server = mrose().security(Security::Stls).utf8().start();
    let mut client = Client::greeted(&server);
    client.ask("UTF8");
    assert_eq!(client.ask("STLS"), "-ERR command not permitted after UTF8");
}

#[test]
fn names_and_passwords_are_utf8_where_that_is_announced() {
    let builder = || Server::builder().user("røse", "tanstååf");
    let logs_in = |server: Server| {
        let mut client = Client::greeted(&server);
        client.ask("USER røse");
        client.ask("PASS tanstååf").starts_with("+OK")
    };
    assert!(logs_in(builder().utf8_user().start()));
    assert!(logs_in(builder().start()));
    assert!(!logs_in(builder().utf8().start()));
    let server = builder().utf8_user().start();
    let mut client = Client::greeted(&server);
    assert!(told(&mut client, "UTF8 USER"));
    client.raw(b"USER r\xf8se\r\n");
    assert_eq!(client.line(), "-ERR not ASCII");
}

#[test]
fn courier_replaces_what_the_client_may_not_understand() {
    let raw = "Subject: øl\r\n\r\nskål\r\n";
    let server = Server::builder()
        .user("mrose", "tanstaaf")
        .message("1", raw)
        .message("2", "Subject: beer\r\n\r\nskål\r\n")
        .utf8()
        .fault(Fault::utf8_headers_replaced())
        .start();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask_lines("TOP 1 0")[0], "Subject: Cannot display Unicode content");
    assert_eq!(client.ask_lines("RETR 1").len(), 3);
    assert_eq!(client.ask_lines("RETR 2")[2], "skål");
    client.ask("QUIT");
    let mut client = Client::greeted(&server);
    client.ask("UTF8");
    client.log_in();
    assert_eq!(client.ask_lines("RETR 1").join("\r\n") + "\r\n", raw);
}

#[test]
fn languages_are_listed_and_chosen() {
    let server = mrose().languages(&[("en", "English"), ("de", "Deutsch")]).start();
    let mut client = Client::greeted(&server);
    assert!(told(&mut client, "LANG"));
    assert_eq!(client.ask_lines("LANG"), ["en English", "de Deutsch"]);
    assert_eq!(client.ask("LANG DE"), "+OK de Deutsch");
    assert_eq!(client.ask("LANG *"), "+OK en English");
    client.log_in();
    assert_eq!(client.ask("LANG uga"), "-ERR no such language");
    assert_eq!(Client::greeted(&mrose().start()).ask("LANG"), "-ERR unknown command");
}
