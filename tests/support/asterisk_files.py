"""The configuration of the Asterisk that tests call through."""

import random

ID = "6f1cc0de-9d3b-4c8f-8f4f-0b6f0a2f7a11"  # which AudioSocket says it is
ECHO, APPLICATION, CHANNEL, JSON, PLAIN, ALAW, COLLEAGUE = "103 100 101 102 105 106 200".split()

MODULES = """
    res_sorcery_config res_sorcery_memory res_sorcery_astdb res_timing_timerfd
    res_http_websocket res_websocket_client res_crypto res_pjproject res_pjsip res_pjsip_session
    res_pjsip_sdp_rtp res_pjsip_authenticator_digest res_pjsip_registrar
    res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_anonymous
    res_pjsip_caller_id res_pjsip_nat res_pjsip_pubsub res_rtp_asterisk res_audiosocket
    app_audiosocket chan_audiosocket chan_websocket chan_pjsip codec_ulaw codec_alaw
    codec_resample format_wav format_pcm pbx_config app_dial app_senddtmf app_echo app_milliwatt
    func_callerid func_channel func_uri bridge_simple bridge_softmix
    bridge_builtin_features bridge_native_rtp res_clioriginate
""".split()


def configuration(exchange, user, password):
    """The files of an exchange's folder, by name."""
    first_port = 2 * random.randrange(16_000, 23_000)  # RTP, clear of what the kernel hands out
    return {
        "asterisk.conf": _asterisk(exchange.root, exchange.folder),
        "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load={m}.so\n" for m in MODULES),
        "logger.conf": "[general]\n[logfiles]\nconsole => warning,error,notice\n",
        "http.conf": "[general]\nenabled=no\n",
        "rtp.conf": f"[general]\nrtpstart={first_port}\nrtpend={first_port + 200}\n",
        "pjsip.conf": _pjsip(exchange.sip),
        "manager.conf": _manager(exchange.manager, user, password),
        "websocket_client.conf": _client(exchange.web, user, password),
        "extensions.conf": _extensions(exchange),
    }


def _asterisk(root, folder):
    modules = next(root.glob("usr/lib/*/asterisk/modules"))
    folder, modules = (f"/{path.relative_to(root)}" for path in (folder, modules))
    return f"""
[options]
[directories]
astetcdir => {folder}
astmoddir => {modules}
astvarlibdir => /var/lib/asterisk
astdatadir => /usr/share/asterisk
astagidir => /usr/share/asterisk/agi-bin
astdbdir => {folder}/db
astkeydir => {folder}/keys
astspooldir => {folder}/spool
astrundir => {folder}/run
astlogdir => {folder}/log
"""


def _pjsip(port):
    return f"""
[global]
type=global
endpoint_identifier_order=username,anonymous
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{port}
[anonymous]
type=endpoint
context=phones
disallow=all
allow=ulaw,alaw
dtmf_mode=rfc4733
direct_media=no
"""


def _manager(port, user, password):
    return f"""
[general]
enabled=yes
bindaddr=127.0.0.1
port={port}
[{user}]
secret={password}
read=call
write=call,originate
"""


def _client(port, user, password):
    return f"""
[parley]
type=websocket_client
connection_type=per_call_config
uri=ws://127.0.0.1:{port}/asterisk
protocols=media
username={user}
password={password}
connection_timeout=2000
reconnect_interval=500
reconnect_attempts=1
"""


def _extensions(exchange):
    socket = f"127.0.0.1:{exchange.audiosocket}"
    options = "v(channel=${UNIQUEID})"
    return f"""
[phones]
exten => {APPLICATION},1,Answer()
 same => n,AudioSocket({ID},{socket})
 same => n,Hangup()
exten => {CHANNEL},1,Dial(AudioSocket/{socket}/{ID}/c(slin16))
exten => {JSON},1,Dial(WebSocket/parley/c(slin16)f(json){options})
exten => {PLAIN},1,Dial(WebSocket/parley/c(ulaw){options})
exten => {ALAW},1,Dial(WebSocket/parley/c(alaw)f(json){options})
exten => {ECHO},1,Answer()
 same => n,Echo()
exten => {COLLEAGUE},1,Answer()
 same => n,Milliwatt()
"""
