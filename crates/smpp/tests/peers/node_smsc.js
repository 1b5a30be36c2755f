// An SMSC made of node-smpp. Prints one JSON object a line; the first says which port it listens on.
//
//   node node_smsc.js '{"tls": {"key": FILE, "cert": FILE}, "perSecond": 200, "answerMax": 20,
//     "receiptIds": "decimal", "receiptForm": "text", "replies": {"447700900003": "mo"}}'
//
// A text that begins with "GO " asks for something to be delivered: see `requests`. `replies` asks for it from the
// person who gets a message. Receipts and replies go to a receiver where one is bound.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const options = JSON.parse(process.argv[2] || '{}');
// Written before anything is answered, so that a kill cannot take back what was printed.
const print = (object) => fs.writeSync(1, JSON.stringify(object) + '\n');

const SUBSCRIBER = '447700900123';
let nextId = 0xa0;

function text(pdu) {
  const content = pdu.short_message && pdu.short_message.message && pdu.short_message.message.length
    ? pdu.short_message : pdu.message_payload;
  return content ? content.message.toString() : '';
}

const receivers = [];

function inbound(session) {
  return receivers.length ? receivers[receivers.length - 1] : session;
}

function receipt(session, pdu, responseId) {
  const date = '2611232144';
  const id = options.receiptIds === 'decimal' ? String(parseInt(responseId, 16)).padStart(10, '0') : responseId;
  const tlvs = options.receiptForm === 'text' ? {} : { receipted_message_id: id, message_state: 2 };
  const written = options.receiptForm === 'tlv' ? ''
    : `id:${id} sub:001 dlvrd:001 submit date:${date} done date:${date} stat:DELIVRD err:000 text:`;
  inbound(session).deliver_sm({
    source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: pdu.source_addr, esm_class: 4, short_message: written, ...tlvs,
  }, (response) => print({ event: 'receipt_answered', status: response.command_status }));
}

function deliver(session, fields, then) {
  session.deliver_sm({ source_addr: SUBSCRIBER, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: '60777', ...fields }, then || (() => {}));
}

// PDUs as real SMSCs send them, octet by octet. [command_id, body].
function oddPdus() {
  const c = (string) => Buffer.from(string + '\0', 'latin1');
  const message = (source, content, tail) => Buffer.concat([
    c(''), Buffer.from([1, 1]), c(source), Buffer.from([0, 1]), c('60777'),
    Buffer.from([4, 0, 0]), c(''), c(''), Buffer.from([0, 0, 0, 0, content.length]), Buffer.from(content),
    Buffer.from(tail)]);
  const tlv = (tag, value) => [tag >> 8, tag & 255, value.length >> 8, value.length & 255, ...value];
  const ascii = (string) => [...Buffer.from(string)];
  return [
    [5, message(SUBSCRIBER, '', [...tlv(0x1e, ascii('a0')), ...tlv(0x427, [2])])],
    [5, message(SUBSCRIBER, '', [...tlv(0x1e, ascii('a1\0')), ...tlv(0x427, [0, 5]), ...tlv(0x423, [1, 11])])],
    [5, message(SUBSCRIBER, 'id:a2 stat:EXPIRED', [0, 0, 0])],
    [5, message('4'.repeat(30), 'id:a3 stat:DELIVRD', [])],
    [5, message('Caf\u00e9', `id:${'f'.repeat(80)} stat:REJECTD`, [])],
    [0x103, Buffer.concat([c(''), Buffer.from([1, 1]), c(SUBSCRIBER), Buffer.from([0, 1]), c('60777'),
      Buffer.from([4, 0, 0]), Buffer.from(tlv(0x424, ascii('id:a5 stat:UNDELIV')))])],
    [5, Buffer.from([0, 1, 1, 52, 52])],
    [0x999, Buffer.from('what is this')],
    [8, Buffer.from('\0\0\0')],
    [0x80000004, Buffer.from('never asked')],
    [0x102, Buffer.from([1])],
    [5, message(SUBSCRIBER, 'the last of them', [])],
  ];
}

function sendOdd(session) {
  oddPdus().forEach(([command, body], index) => {
    const header = Buffer.alloc(16);
    header.writeUInt32BE(16 + body.length, 0);
    header.writeUInt32BE(command, 4);
    header.writeUInt32BE(5000 + index, 12);
    session.socket.write(Buffer.concat([header, body]));
  });
}

const requests = {
  mo: (session, from) => deliver(session, { short_message: 'Stop. [please] \u20ac', ...from }),
  stop: (session, from) => deliver(session, { short_message: 'Stop.', ...from }),
  ucs2: (session, from) => deliver(session, { short_message: '\u0421\u0442\u043e\u043f \ud83d\udc4d', data_coding: 8, ...from }),
  long: (session, from) => {
    const parts = ['first part, ', 'second part, ', 'third part'];
    [2, 0, 1].forEach((part) => deliver(session, {
      short_message: { udh: Buffer.from([5, 0, 3, 77, 3, part + 1]), message: parts[part] }, ...from }));
  },
  odd: sendOdd,
  unbind: (session) => session.unbind(),
};

function throttled() {
  if (!options.perSecond) return false;
  const second = Math.floor(Date.now() / 1000);
  if (throttled.second !== second) {
    throttled.second = second;
    throttled.count = 0;
  }
  throttled.count += 1;
  return throttled.count > options.perSecond;
}

const tally = { accepted: 0, refused: 0 };

function submit(session, pdu) {
  if (throttled()) {
    tally.refused += 1;
    return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
  }
  tally.accepted += 1;
  const said = text(pdu);
  if (!options.perSecond) {
    print({ event: 'submit', text: said, source: pdu.source_addr, destination: pdu.destination_addr,
      data_coding: pdu.data_coding, esm_class: pdu.esm_class,
      udh: pdu.short_message.udh ? Buffer.concat(pdu.short_message.udh.map((element) => Buffer.from(element))).toString('hex') : '',
      sar: [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum].filter((n) => n !== undefined) });
  }
  if (options.answerMax !== undefined && tally.accepted > options.answerMax) return undefined;
  const id = (nextId++).toString(16).toUpperCase();
  session.send(pdu.response({ message_id: id }));
  if (pdu.registered_delivery) receipt(session, pdu, id);
  if (said.startsWith('GO ')) requests[said.slice(3)](session, {});
  const wish = (options.replies || {})[pdu.destination_addr];
  if (wish) {
    delete options.replies[pdu.destination_addr];
    requests[wish](inbound(session), { source_addr: pdu.destination_addr, destination_addr: pdu.source_addr });
  }
  return undefined;
}

function bound(session, pdu) {
  if (pdu.password === 'wrong') {
    session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
    return session.close();
  }
  print({ event: 'bound', command: pdu.command, version: pdu.interface_version });
  if (pdu.command === 'bind_receiver') receivers.push(session);
  return session.send(pdu.response({ system_id: 'node-smpp' }));
}

const tls = options.tls
  ? { key: fs.readFileSync(options.tls.key), cert: fs.readFileSync(options.tls.cert) } : {};
const server = smpp.createServer(tls, (session) => {
  session.on('close', () => receivers.includes(session) && receivers.splice(receivers.indexOf(session), 1));
  session.on('error', (error) => print({ event: 'error', message: String(error) }));
  ['bind_transceiver', 'bind_transmitter', 'bind_receiver'].forEach((command) =>
    session.on(command, (pdu) => bound(session, pdu)));
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('query_sm', (pdu) => session.send(pdu.response({ message_id: pdu.message_id, message_state: 2 })));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    print({ event: 'unbound', ...tally });
    session.send(pdu.response());
    session.close();
  });
  session.on('pdu', (pdu) => {
    if (pdu.sequence_number >= 5000 && pdu.sequence_number < 6000 && pdu.isResponse()) {
      print({ event: 'odd_answered', index: pdu.sequence_number - 5000, command: pdu.command, status: pdu.command_status });
    }
  });
});
server.listen(0, '127.0.0.1', () => print({ event: 'listening', port: server.address().port }));
