// Loaded into the Community Solid Server before it starts (node --require): it has no option
// for the address it listens on, does not end with its parent, drops what it is writing, and
// knows nobody over http but on localhost.
'use strict';
const dns = require('node:dns');
const Module = require('node:module');
const net = require('node:net');
const { isMainThread } = require('node:worker_threads');

const LONGEST_GOODBYE = 3000;
const own = process.env.TWIN_POD_LAN && new URL(process.env.TWIN_POD_LAN);
const servers = new Set();
let answering = 0;
let ending = false;

function leaveWhenIdle() {
  if (ending && answering === 0) {
    process.exit(0);
  }
}

function end() {
  if (ending) {
    return;
  }
  ending = true;
  for (const server of servers) {
    server.close();
  }
  setTimeout(() => process.exit(0), LONGEST_GOODBYE);
  leaveWhenIdle();
}

function count(request, response) {
  answering += 1;
  response.once('close', () => {
    answering -= 1;
    leaveWhenIdle();
  });
}

// Over http it takes the WebIDs and tokens of localhost alone, since what it would ask for them
// could come from anybody on the wire. Its own it asks itself for, and never over the wire.
function knowItself() {
  const { lookup } = dns;
  dns.lookup = (name, ...others) =>
    lookup(name === own.hostname ? '127.0.0.1' : name, ...others);
  const { _load: load } = Module;
  Module._load = function (request, ...others) {
    const loaded = load.call(this, request, ...others);
    if (request === './verifySecureUriClaim' && !loaded.asBefore) {
      const asBefore = loaded.verifySecureUriClaim;
      Object.assign(loaded, {
        asBefore,
        verifySecureUriClaim: (uri, claim) =>
          new URL(uri).origin === own.origin || asBefore(uri, claim),
      });
    }
    return loaded;
  };
}

if (isMainThread) {
  if (own) {
    knowItself();
  }
  // The server fetches its own documents by name, and only one of localhost's addresses answers.
  dns.setDefaultResultOrder('ipv4first');
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (port, ...others) {
    servers.add(this);
    this.prependListener('request', count);
    this.once('listening', () => process.stdout.write('twinvault: listening\n'));
    return own
      ? listen.call(this, port, ...others)
      : listen.call(this, Number(port), '127.0.0.1', ...others);
  };
  process.stdin.on('end', end).on('error', end).resume();
  process.stdout.on('error', end); // nobody reads it any more
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, end);
  }
}
