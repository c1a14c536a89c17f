"""Twisted's POP3 server over a directory of messages with LF, which it makes CRLF; prints its port.

    twisted_pop3.py DIRECTORY
"""
import io
import pathlib
import sys

from twisted.cred import checkers, portal
from twisted.internet import protocol, reactor
from twisted.mail import pop3
from zope.interface import implementer


@implementer(pop3.IMailbox)
class Mailbox:
    def __init__(self):
        self.files = sorted(pathlib.Path(sys.argv[1]).iterdir())
        self.deleted = set()

    def listMessages(self, index=None):
        sizes = [0 if at in self.deleted else file.stat().st_size for at, file in enumerate(self.files)]
        return sizes if index is None else sizes[index]

    def getMessage(self, index):
        return io.BytesIO(self.files[index].read_bytes())

    def getUidl(self, index):
        return self.files[index].name.encode()

    def deleteMessage(self, index):
        self.deleted.add(index)

    def undeleteMessages(self):
        self.deleted.clear()

    def sync(self):
        for index in self.deleted:
            self.files[index].unlink()


@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, name, mind, *interfaces):
        return pop3.IMailbox, Mailbox(), lambda: None


checker = checkers.InMemoryUsernamePasswordDatabaseDontUse(mrose=b"secret")


class Factory(protocol.ServerFactory):
    def buildProtocol(self, address):
        served = pop3.POP3()
        served.factory = self
        served.portal = portal.Portal(Realm(), [checker])
        return served


port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
