//! What generated mail is made of. No person, and only the domains that RFC 2606
//! keeps free.

pub(super) const DOMAINS: &[&str] =
    &["example.com", "example.net", "example.org", "mail.example.net", "lists.example.org"];

/// Display name and local part.
pub(super) const PEOPLE: &[(&str, &str)] = &[
    ("Anna Muster", "anna"),
    ("Bob Beispiel", "bob.beispiel"),
    ("Chloé Exemple", "chloe"),
    ("Dan Placeholder", "dan"),
    ("Erika Jemand", "erika"),
    ("Øystein Eksempel", "oystein"),
    ("The Build Robot", "builds"),
    ("Newsletter", "news"),
    ("Jiří Příklad", "jiri"),
    ("Accounts Department", "accounts"),
    ("見本 太郎", "mihon"),
    ("no-reply", "no-reply"),
];

pub(super) const SUBJECTS: &[&str] = &[
    "Minutes of Tuesday's meeting",
    "Re: Minutes of Tuesday's meeting",
    "Your order has been shipped",
    "[devel] Patch: close the socket on every path",
    "Re: [devel] Patch: close the socket on every path",
    "Grüße aus der Werkstatt",
    "Réunion du 3 mars reportée",
    "Build failed: nightly",
    "Invoice",
    "Fwd: pictures from the lake",
    "議事録について",
    "Příští týden?",
    "Lunch?",
    "Backup report",
    "Reminder: your password was not changed",
];

pub(super) const WORDS: &[&str] = &[
    "the",
    "a",
    "mail",
    "server",
    "and",
    "message",
    "was",
    "not",
    "is",
    "for",
    "we",
    "will",
    "you",
    "can",
    "of",
    "to",
    "in",
    "on",
    "report",
    "week",
    "next",
    "line",
    "with",
    "please",
    "see",
    "attached",
    "file",
    "there",
    "are",
    "three",
    "open",
    "questions",
    "about",
    "plan",
    "before",
    "after",
    "holiday",
    "thanks",
    "machine",
    "room",
    "table",
    "number",
    "paper",
    "still",
    "waiting",
    "octets",
    "list",
    "again",
    "today",
    "tomorrow",
    "morning",
    "printer",
    "because",
    "window",
];

pub(super) const DAYS: &[&str] = &["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

pub(super) const MONTHS: &[(&str, u64)] = &[
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// Attachments: file name and media type.
pub(super) const ATTACHMENTS: &[(&str, &str)] = &[
    ("minutes.pdf", "application/pdf"),
    ("lake.jpg", "image/jpeg"),
    ("invoice-1939.pdf", "application/pdf"),
    ("log.gz", "application/gzip"),
    ("table.ods", "application/vnd.oasis.opendocument.spreadsheet"),
];
