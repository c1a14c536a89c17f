"""A desktop's notifications, for notify-send: each one is a line in a file.

notifications.py FILE    on the session bus; a line on standard output says that it is there
"""
import sys

from jeepney import MessageType, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

connection = open_dbus_connection(bus="SESSION")
connection.send_and_get_reply(message_bus.RequestName("org.freedesktop.Notifications"))
print("ready", flush=True)
while True:
    message = connection.receive()
    if message.header.message_type != MessageType.method_call:
        continue
    member = message.header.fields[3]
    if member == "Notify":
        with open(sys.argv[1], "a") as shown:
            shown.write("\t".join(message.body[3:5]) + "\n")
        answer = ("u", (1,))
    elif member == "GetServerInformation":
        answer = ("ssss", ("test", "test", "1", "1.2"))
    elif member == "GetCapabilities":
        answer = ("as", (["body"],))
    else:
        answer = (None, ())
    connection.send(new_method_return(message, *answer))
