//! AUTHORIZATION and CAPA.

use pop3_test_server::Server;

use crate::client::{Client, mrose};

#[test]
fn user_and_pass_log_in_and_wrong_ones_do_not() {
    let server = mrose().user("frated", "two words").start();
    let mut client = Client::greeted(&server);
    let wrong = "-ERR [AUTH] invalid user name or password";
    assert_eq!(client.ask("PASS tanstaaf"), "-ERR USER first");
    client.ask("USER mrose");
    assert_eq!(client.ask("PASS two words"), wrong);
    assert_eq!(client.ask("PASS tanstaaf"), "-ERR USER first");
    client.ask("USER nobody");
    assert_eq!(client.ask("PASS tanstaaf"), wrong);
    client.ask("USER frated");
    assert_eq!(client.ask("PASS two words"), "+OK frated's maildrop has 0 messages (0 octets)");
    assert_eq!(client.ask_lines("LIST"), [""; 0]);
}

#[test]
fn every_greeting_has_a_timestamp_of_its_own() {
    let server = mrose().start();
    let timestamp = || {
        let greeting = Client::connect(server.address()).line();
        greeting.split_once('<').unwrap().1.to_owned()
    };
    let (one, other) = (timestamp(), timestamp());
    assert!(one.ends_with('>') && other.ends_with('>'));
    assert_ne!(one, other);
}

#[test]
fn without_apop_there_is_no_timestamp_and_no_apop() {
    let server = mrose().without("APOP").start();
    let mut client = Client::connect(server.address());
    assert_eq!(client.line(), "+OK POP3 server ready");
    assert_eq!(client.ask("APOP mrose c4c9334bac560ecc979e58001b3e22fb"), "-ERR unknown command");
}

#[test]
fn auth_plain_takes_an_initial_response_or_asks_for_it() {
    let response = "AG1yb3NlAHRhbnN0YWFm"; // NUL mrose NUL tanstaaf
    let server = mrose().start();
    let mut client = Client::greeted(&server);
    assert!(client.ask("AUTH CRAM-MD5").starts_with("-ERR"));
    assert!(client.ask("AUTH PLAIN !").starts_with("-ERR"));
    assert_eq!(client.ask("AUTH PLAIN"), "+ ");
    assert!(client.ask("*").starts_with("-ERR"));
    assert_eq!(client.ask("AUTH PLAIN"), "+ ");
    assert!(client.ask(response).starts_with("+OK"));
    client.ask("QUIT");
    let mut client = Client::greeted(&server);
    assert!(client.ask(&format!("auth plain {response}")).starts_with("+OK"));
    assert_eq!(server.commands_of(2), [format!("auth plain {response}")]);
}

#[test]
fn a_second_session_finds_the_maildrop_in_use() {
    let server = mrose().start();
    let mut first = Client::logged_in(&server);
    let mut second = Client::greeted(&server);
    second.ask("USER mrose");
    assert!(second.ask("PASS tanstaaf").starts_with("-ERR [IN-USE] "));
    first.ask("QUIT");
    second.log_in();
}

#[test]
fn a_login_too_soon_is_refused() {
    let server = mrose().login_delay(60).start();
    let mut client = Client::logged_in(&server);
    assert!(client.ask_lines("CAPA").contains(&"LOGIN-DELAY 60".to_owned()));
    client.ask("QUIT");
    let mut client = Client::greeted(&server);
    client.ask("USER mrose");
    assert!(client.ask("PASS tanstaaf").starts_with("-ERR [LOGIN-DELAY] "));
    assert!(!server.maildrop("mrose").is_locked());
}

#[test]
fn capa_tells_what_there_is() {
    let server = mrose().capability_line("SASL XOAUTH2").start();
    let expected = [
        "TOP",
        "USER",
        "UIDL",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "SASL PLAIN",
        "EXPIRE NEVER",
        "IMPLEMENTATION pop3-test-server",
        "SASL XOAUTH2",
    ];
    assert_eq!(Client::greeted(&server).ask_lines("CAPA"), expected);
    let server = mrose().expire("30 USER").start();
    assert_eq!(Client::greeted(&server).ask_lines("CAPA")[7], "EXPIRE 30 USER");
}

#[test]
fn what_is_left_out_is_neither_announced_nor_there() {
    let server = ["UIDL", "TOP", "SASL"]
        .iter()
        .fold(mrose(), |builder, capability| builder.without(capability))
        .start();
    let mut client = Client::greeted(&server);
    assert_eq!(client.ask("AUTH PLAIN"), "-ERR unknown command");
    client.log_in();
    let announced = client.ask_lines("CAPA");
    for (keyword, command) in [("UIDL", "UIDL"), ("TOP", "TOP 1 0")] {
        assert!(!announced.contains(&keyword.to_owned()));
        assert_eq!(client.ask(command), "-ERR unknown command");
    }
    let server = mrose().without("CAPA").start();
    assert_eq!(Client::greeted(&server).ask("CAPA"), "-ERR unknown command");
}

#[test]
fn what_is_unannounced_works_and_gmail_announces_late() {
    let server = mrose().unannounced("UIDL").announced_after_login("PIPELINING").start();
    let mut client = Client::greeted(&server);
    let told = |client: &mut Client, line: &str| client.ask_lines("CAPA").iter().any(|l| l == line);
    assert!(!told(&mut client, "PIPELINING"));
    client.log_in();
    assert!(told(&mut client, "PIPELINING"));
    assert!(!told(&mut client, "UIDL"));
    assert_eq!(client.ask_lines("UIDL").len(), 2);
}

#[test]
fn two_servers_may_share_a_maildrop() {
    let first = mrose().start();
    let maildrop = first.maildrop("mrose");
    let second = Server::builder().user("mrose", "tanstaaf").maildrop(&maildrop).start();
    assert_eq!(Client::logged_in(&second).ask("STAT"), "+OK 2 320");
}
