// WildDuck's POP3 core over a directory of messages with CRLF; prints its port.
//
//     node wildduck_pop3.js PACKAGE DIRECTORY
'use strict';
const fs = require('fs');
const path = require('path');
// Its errors are reported to a server that only a whole installation has.
const Module = require('module');
const load = Module._load;
Module._load = (name, ...more) => (/^(wild-config|gelf|@sentry.*)$/.test(name) ? { log: {} } : load(name, ...more));
const [, , wildduck, directory] = process.argv;
const POP3Server = require(path.join(wildduck, 'lib/pop3/server.js'));
const file = message => path.join(directory, message.id);
const server = new POP3Server({
    logger: false,
    disableSTARTTLS: true,
    ignoreSTARTTLS: true,
    onAuth(auth, session, callback) {
        const known = auth.username === 'mrose' && auth.password === 'secret';
        callback(null, known ? { user: { id: 'mrose', username: 'mrose' } } : { message: 'no' });
    },
    onListMessages(session, callback) {
        const messages = fs.readdirSync(directory).sort().map(id => ({ id, size: fs.statSync(path.join(directory, id)).size }));
        const size = messages.reduce((sum, message) => sum + message.size, 0);
        callback(null, { messages, count: messages.length, size });
    },
    onFetchMessage(message, session, callback) {
        callback(null, fs.createReadStream(file(message)));
    },
    onUpdate(update, session, callback) {
        update.deleted.forEach(message => fs.unlinkSync(file(message)));
        callback(null, true);
    }
});
server.loggelf = () => false;
server.listen(0, '127.0.0.1');
server.server.on('listening', () => console.log(server.server.address().port));
