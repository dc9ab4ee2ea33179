import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { FrameReader } from '../../../../stream/kafka/connection/frame-reader.js';
import { recyclingSockets } from '../../../../stream/kafka/connection/recycling-sockets.js';
import { openKafka } from '../../../../stream/kafka/kafka.js';
import { values } from '../../../support/kafka-reading.js';
import { type Answer, batchAt, startFetchBroker, TOPIC } from './scripted-fetch.js';

const responses = fc.array(fc.uint8Array({ minLength: 4, maxLength: 300 }), { minLength: 1 });
const steps = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 });

function framed(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(part.length);
      return [length, part];
    }),
  );
}

test('in two pieces of memory, whatever the chunks: a response is good while the next comes', () => {
  fc.assert(
    fc.property(responses, steps, (sent, sizes) => {
      const bytes = framed(sent);
      // One chunk after the other in the same memory, as a socket of ours reads.
      const chunk = Buffer.alloc(500);
      const got: Buffer[] = [];
      const reader = new FrameReader(1_000, true);
      const check = (response: Buffer) => {
        const index = got.push(response) - 1;
        for (const one of index === 0 ? [index] : [index - 1, index]) {
          assert.deepEqual(Uint8Array.from(got[one] ?? []), sent[one]);
        }
      };
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const copied = bytes.copy(chunk, 0, at, at + (sizes[turn % sizes.length] ?? 1));
        reader.read(chunk.subarray(0, copied), check);
        at += copied;
        chunk.fill(0xff);
      }
      assert.equal(got.length, sent.length);
      assert.ok(new Set(got.map(({ buffer }) => buffer)).size <= 2);
    }),
  );
});

test('a response too long to keep memory for is read, and its memory let go', () => {
  const long = new Uint8Array(5_000_000).fill(7);
  const short = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)] as const;
  const got: Buffer[] = [];
  const reader = new FrameReader(10_000_000, true);
  reader.read(framed([short[0], long, short[1], short[0], short[1]]), (one) => got.push(one));
  assert.deepEqual(
    got.map(({ length }) => length),
    [4, 5_000_000, 4, 4, 4],
  );
  assert.ok(got[1]?.every((byte) => byte === 7));
  assert.equal(got.filter(({ buffer }) => buffer === got[1]?.buffer).length, 1);
});

const POLLS = 8;
const script: Answer[] = Array.from({ length: POLLS }, (_, index) => ({
  partition: {
    highWatermark: BigInt(2 * POLLS),
    records: batchAt(BigInt(2 * index), `a${index}`, `b${index}`),
  },
}));
const BOUNDS = { logStart: 0n, highWatermark: BigInt(2 * POLLS) };
const atEnd: Answer = { partition: { highWatermark: BigInt(2 * POLLS) } };

/** The memory that each poll's batches are in; what was read is checked after the next answer. */
async function memoryOfPolls(recycle: boolean): Promise<readonly ArrayBufferLike[]> {
  const broker = await startFetchBroker([...script, atEnd], BOUNDS);
  const stream = await openKafka(`kafka://127.0.0.1:${broker.port}`, { timeoutMs: 3_000 });
  const memory: ArrayBufferLike[] = [];
  try {
    const reader = await stream.reader(TOPIC, { recycle });
    reader.seek({ partition: 0, offset: 0n });
    while (memory.length < POLLS) {
      const [fetched] = await reader.poll(1_000);
      const [batch] = fetched?.batches ?? [];
      if (fetched === undefined || batch === undefined) continue;
      const index = memory.push(batch.bytes.buffer) - 1;
      // An answer on another connection comes after the next one on the reader's, which is short.
      await stream.bounds(TOPIC, [0]);
      assert.deepEqual(values([fetched]), [`a${index}`, `b${index}`]);
    }
  } finally {
    await stream.close();
    await broker.close();
  }
  return memory;
}

test('a reader that may recycle uses the same memory for every second poll', async () => {
  const memory = await memoryOfPolls(true);
  assert.equal(new Set(memory).size, 2);
  for (const [index, piece] of memory.entries()) assert.notEqual(piece, memory[index + 1]);
});

test('without recycling what was read stays as it is', async () => {
  assert.equal(new Set(await memoryOfPolls(false)).size, POLLS);
});

test('over TLS too a socket reads into one piece of memory', async () => {
  const psk = Buffer.alloc(32, 1);
  const secure = { ciphers: 'PSK-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' } as const;
  const server = createServer({ ...secure, pskCallback: () => psk, pskIdentityHint: '' });
  const sent = Buffer.alloc(300_000, 'what a broker sends ');
  server.on('secureConnection', (socket: TLSSocket) => socket.end(sent));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const pieces = new Set<ArrayBufferLike>();
  const got: Buffer[] = [];
  const make = recyclingSockets((chunk) => {
    pieces.add(chunk.buffer);
    got.push(Buffer.from(chunk));
  });
  const ssl = {
    ...secure,
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  };
  let connected = false;
  const socket = make({
    host: '127.0.0.1',
    port,
    ssl,
    onConnect: () => {
      connected = true;
    },
  });
  // As kafkajs does, which makes it flow.
  socket.on('data', () => assert.fail('nothing is left to emit'));
  await once(socket, 'end');
  socket.destroy();
  server.close();
  await once(server, 'close');
  assert.equal(connected, true);
  assert.deepEqual(Buffer.concat(got), sent);
  assert.equal(pieces.size, 1);
});
