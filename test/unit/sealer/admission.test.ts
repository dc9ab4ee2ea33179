import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { startMetricsServer } from '../../../sealer/index.js';
import { TestLedger, until } from '../../support/sealer/ledger.js';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(host?: string): Promise<number> {
  const ledger = await TestLedger.make();
  const { sealer, stop } = await ledger.running({ every: 20 });
  const server = await startMetricsServer({ sealer, port: 0, ...(host && { host }) });
  ends.push(
    () => server.close(),
    stop,
    () => ledger.remove(),
  );
  return server.port;
}

/** What it reads is kept; an error is an end. */
function client(port: number, host = '127.0.0.1'): { socket: Socket; text: () => string } {
  let text = '';
  const socket = connect(port, host);
  socket.setEncoding('latin1').on('data', (more: string) => {
    text += more;
  });
  socket.on('error', () => {});
  ends.push(() => socket.destroy());
  return { socket, text: () => text };
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

async function isServed(port: number, host: string): Promise<boolean> {
  const { socket, text } = client(port, host);
  socket.end('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  await closed(socket);
  return text().startsWith('HTTP/1.1 200');
}

// All of 127.0.0.0/8 is this machine; elsewhere only 127.0.0.1.
const skip = process.platform !== 'linux' && 'only Linux has more than one loopback address';

test('only this machine reaches it unless an address is named', { skip }, async () => {
  const own = await serve();
  assert.equal(await isServed(own, '127.0.0.1'), true);
  assert.equal(await isServed(own, '127.0.0.2'), false);
  const every = await serve('0.0.0.0');
  assert.equal(await isServed(every, '127.0.0.2'), true);
});

test('of a thousand idle connections 64 stay, and who asks is answered meanwhile', async () => {
  const port = await serve();
  const sockets: Socket[] = [];
  for (let count = 0; count < 1_000; count += 1) {
    const { socket } = client(port);
    await once(socket, 'connect');
    sockets.push(socket);
  }
  await until(() => sockets.filter(({ closed }) => !closed).length <= 64);
  assert.equal(await isServed(port, '127.0.0.1'), true);
  const held = sockets.filter(({ closed }) => !closed);
  assert.ok(held.length > 0 && held.every((socket) => sockets.indexOf(socket) >= 900));
});

test('who sends nothing, or never comes to an end, is not kept', async () => {
  const port = await serve();
  const silent = client(port);
  const dripping = client(port);
  dripping.socket.write('GET /healthz HTTP/1.1\r\n');
  const drip = setInterval(() => dripping.socket.write('x: y\r\n'), 200);
  try {
    await Promise.all([silent.socket, dripping.socket].map(closed));
  } finally {
    clearInterval(drip);
  }
});

test('a connection serves one request', async () => {
  const port = await serve();
  const { socket, text } = client(port);
  socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  await closed(socket);
  assert.match(text(), /\r\nconnection: close\r\n/i);
});
