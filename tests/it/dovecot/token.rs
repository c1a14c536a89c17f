//! Tokens that Dovecot checks by itself (JWT, RFC 7519), where a provider would
//! ask its server of OAuth2.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use pop3_test_server::json_web_token;

/// Known to us and to Dovecot alone.
const KEY: &[u8] = b"what a provider's server would keep to itself";
/// The same as Dovecot wants it.
const KEY_BASE64: &str = "d2hhdCBhIHByb3ZpZGVyJ3Mgc2VydmVyIHdvdWxkIGtlZXAgdG8gaXRzZWxm";

/// Writes what `dovecot.conf` names: how tokens are checked, and the key, in the
/// place that Dovecot looks in for a token that names neither issuer nor key.
pub(super) fn configure(directory: &Path) -> io::Result<()> {
    let keys = directory.join("keys");
    fs::create_dir_all(keys.join("default/HS256"))?;
    fs::write(keys.join("default/HS256/default"), KEY_BASE64)?;
    let keys = keys.display();
    let lines = format!(
        "introspection_mode = local\n\
         local_validation_key_dict = fs:posix:prefix={keys}/\n\
         username_attribute = sub\n"
    );
    fs::write(directory.join("oauth2.conf"), lines)
}

/// A token of this user's, issued so long ago, that is good for an hour.
pub(super) fn issue(user: &str, ago: Duration) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a time after 1970").as_secs();
    let issued = now - ago.as_secs();
    let claims = format!(r#"{{"sub":"{user}","iat":{issued},"exp":{}}}"#, issued + 3600);
    json_web_token(KEY, &claims)
}
