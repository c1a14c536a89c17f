//! Scripts, played.

use pop3_test_server::Script;

use crate::client::Client;

const IN_USE: &str = "\
# RFC 2449 section 8.1.2: the maildrop is locked by another session.
~ exit 75
S: +OK ready
C: PASS secret
S: -ERR [IN-USE] Do you have another POP session running?
C: QUIT
S: +OK
";

#[test]
fn a_script_played_to_its_end_is_fine() {
    let script = Script::parse(IN_USE).unwrap();
    let playing = script.play();
    let mut client = Client::connect(playing.address());
    assert_eq!(client.line(), "+OK ready");
    assert!(client.ask("PASS secret").starts_with("-ERR [IN-USE]"));
    assert_eq!(client.ask("QUIT"), "+OK");
    assert_eq!(client.rest(), b"");
    drop(client);
    playing.finish().unwrap();
}

#[test]
fn the_first_line_that_differs_is_named() {
    for (said, why) in [
        (&b"PASS Secret\r\n"[..], "line 4: expected `C: PASS secret`, got `PASS Secret`"),
        (b"PASS secret\n", "line 4: expected `C: PASS secret`, got `PASS secret\\n`"),
        (b"PASS secret\r\n", "line 6: expected `C: QUIT`, got the end of the connection"),
        (b"PASS secret\r\nQUIT\r\nNOOP\r\n", "after line 7: expected the end, got `NOOP\\r\\n`"),
    ] {
        let playing = Script::parse(IN_USE).unwrap().play();
        let mut client = Client::connect(playing.address());
        client.raw(said);
        let crate::client::Stream::Plain(socket) = &client.stream else { unreachable!() };
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(playing.finish().unwrap_err(), why);
    }
}

#[test]
fn directives_of_the_player_are_carried_out() {
    let text = "~ raw \"+OK\\r\"\n~ pause 1\n~ raw \"\\n\"\nC: x\n~ octets 200\n~ close\n\
                ~ next connection\nS: +OK again\n";
    let playing = Script::parse(text).unwrap().play();
    let mut client = Client::connect(playing.address());
    assert_eq!(client.line(), "+OK");
    client.say("x");
    assert_eq!(client.rest().len(), 200);
    drop(client);
    let mut client = Client::connect(playing.address());
    assert_eq!(client.line(), "+OK again");
    drop(client);
    playing.finish().unwrap();
}

#[test]
fn a_client_that_never_comes_is_an_error_soon() {
    let playing = Script::parse("S: +OK\n").unwrap().play();
    assert_eq!(playing.finish().unwrap_err(), "connection 1: the client did not connect");
}
