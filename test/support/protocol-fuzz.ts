import { isDeepStrictEqual } from 'node:util';
import { SealstreamError } from '../../ledger/error.js';
import { FrameReader } from '../../stream/kafka/connection/frame-reader.js';
import { SAMPLES, type Sample } from './protocol-samples.js';

const MAX_RESPONSE_BYTES = 128 * 1024 * 1024;
const CORRELATION = 7;

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = (below: number) => number;
type Mutation = (frame: Buffer, random: Random) => Buffer;

const HUGE_VARINTS = ['ffffffff0f', 'ffffffff07', 'ffffff7f', 'ffffffffff01', '8080808000'];
const HUGE_NUMBERS = ['7fffffff', 'ffffffff', '80000000', '00ffffff', '7fff', 'ffff', '8000'];

function overwrite(frame: Buffer, from: readonly string[], at: number, random: Random): Buffer {
  const bytes = Buffer.from(from[random(from.length)] ?? '', 'hex');
  bytes.copy(frame, at);
  return frame;
}

/** By name; the frame is a copy, its length and correlation id included. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  truncated: (frame, random) => relength(frame.subarray(0, 8 + random(frame.length - 8))),
  'cut short on the wire': (frame, random) => frame.subarray(0, random(frame.length)),
  'wrong length': (frame, random) => overwrite(frame, HUGE_NUMBERS, 0, random),
  'length off by some': (frame, random) => {
    frame.writeInt32BE(frame.length - 4 + random(33) - 16, 0);
    return frame;
  },
  'huge count': (frame, random) =>
    overwrite(frame, HUGE_VARINTS, 8 + random(frame.length - 8), random),
  'huge number': (frame, random) =>
    overwrite(frame, HUGE_NUMBERS, 8 + random(frame.length - 8), random),
  'wrong correlation': (frame, random) => {
    frame.writeInt32BE(CORRELATION + 1 + random(1000), 4);
    return frame;
  },
  'bits flipped': (frame, random) => {
    for (let flips = 1 + random(8); flips > 0; flips--) {
      const at = random(frame.length);
      frame.writeUInt8(frame.readUInt8(at) ^ (1 << random(8)), at);
    }
    return frame;
  },
  'bytes put in': (frame, random) => {
    const at = 8 + random(frame.length - 8);
    const more = Buffer.from(Array.from({ length: 1 + random(40) }, () => random(256)));
    return relength(Buffer.concat([frame.subarray(0, at), more, frame.subarray(at)]));
  },
  'bytes taken out': (frame, random) => {
    const at = 8 + random(frame.length - 8);
    return relength(Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1 + random(20))]));
  },
};

export interface FuzzCounts {
  mutations: number;
  /** Ended in an error: the frame reader's, the correlation check's or a decoder's. */
  errors: number;
  /** The frame is not whole: the connection waits, and the request's time limit ends it. */
  waiting: number;
  /** The same answer as without the mutation. */
  unchanged: number;
  /** Other values in the fields: nothing in the protocol tells them from true ones. */
  otherValues: number;
  longestMs: number;
  longestCase: string;
}

export function newCounts(): FuzzCounts {
  const zero = { mutations: 0, errors: 0, waiting: 0, unchanged: 0, otherValues: 0 };
  return { ...zero, longestMs: 0, longestCase: '' };
}

const FRAMES = SAMPLES.map((sample) => {
  const header = Buffer.alloc(8);
  header.writeInt32BE(CORRELATION, 4);
  const frame = relength(Buffer.concat([header, sample.bytes]));
  return { sample, frame, expected: sample.decode(sample.bytes) };
});

/**
 * `count` responses, each mutated in one way, through the frame reader and the decoder in chunks of
 * any size. Throws on anything but an answer or a SealstreamError of bad bytes, and where a response
 * that lacks its end is an answer other than the true one.
 */
export function fuzzProtocol(count: number, seed: number, counts: FuzzCounts): void {
  const draw = seededRandom(seed);
  const random: Random = (below) => Math.floor(draw() * below);
  const names = Object.keys(MUTATIONS);
  for (let index = 0; index < count; index++) {
    const { sample, frame, expected } = FRAMES[random(FRAMES.length)] as (typeof FRAMES)[number];
    const name = names[random(names.length)] ?? '';
    const mutated = MUTATIONS[name]?.(Buffer.from(frame), random) ?? frame;
    const started = performance.now();
    const outcome = answer(sample, mutated, random);
    const milliseconds = performance.now() - started;
    counts.mutations++;
    if (milliseconds > counts.longestMs) {
      counts.longestMs = milliseconds;
      counts.longestCase = `${sample.name}, ${name}`;
    }
    if (outcome === 'error') counts.errors++;
    else if (outcome === 'waiting') counts.waiting++;
    else if (isDeepStrictEqual(outcome.value, expected)) counts.unchanged++;
    else if (name === 'truncated' || name === 'wrong correlation') {
      throw new Error(`${sample.name}, ${name}, is another answer: ${mutated.toString('hex')}`);
    } else counts.otherValues++;
  }
}

function answer(
  sample: Sample,
  mutated: Buffer,
  random: Random,
): 'error' | 'waiting' | { readonly value: unknown } {
  const reader = new FrameReader(MAX_RESPONSE_BYTES);
  let first: { readonly value: unknown } | null = null;
  try {
    for (let at = 0; at < mutated.length && first === null; ) {
      const size = 1 + random(random(2) === 0 ? 8 : mutated.length);
      reader.read(mutated.subarray(at, at + size), (response) => {
        // As transport.ts does: what is not the answer to the request under way ends the connection.
        if (response.readInt32BE(0) !== CORRELATION)
          throw new SealstreamError('malformed', 'other');
        first ??= { value: sample.decode(response.subarray(4)) };
      });
      at += size;
    }
  } catch (error) {
    if (error instanceof SealstreamError && isAboutBytes(error)) return 'error';
    throw new Error(`${sample.name}: ${mutated.toString('hex')}`, { cause: error });
  }
  return first ?? 'waiting';
}

/** `unsupported`: an ApiVersions response with an error code. */
function isAboutBytes(error: SealstreamError): boolean {
  return error.code === 'malformed' || error.code === 'unsupported';
}

function relength(frame: Buffer): Buffer {
  frame.writeInt32BE(frame.length - 4, 0);
  return frame;
}
