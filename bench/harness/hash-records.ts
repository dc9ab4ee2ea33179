import { encodeBody } from '../../ledger/body.js';
import { hashing } from '../../ledger/hashing/choose.js';
import { genesis } from '../../ledger/origin.js';
import type { RecordColumns } from '../../ledger/records.js';
import { digest } from '../../ledger/sha256.js';
import { readSamples } from './samples.js';

const LEAF_BYTES = 82;
const NODE_BYTES = 65;
const ORIGIN = 'bench.example.com/bench/AAECAwQFBgcICQoLDA0ODw/0';

/** The bodies of the samples, side by side in one buffer as in a batch. */
export async function readBodies(path: string): Promise<RecordColumns> {
  const bodies = (await readSamples(path)).map((parts) => encodeBody(parts));
  const bytes = Buffer.concat(bodies);
  let at = 0;
  const bodyEnd = Int32Array.from(bodies, (body) => {
    at += body.length;
    return at;
  });
  return {
    bytes,
    count: bodies.length,
    bodyStart: Int32Array.from(bodies, (body, index) => (bodyEnd[index] as number) - body.length),
    bodyEnd,
    offsets: new BigInt64Array(bodies.length),
    timestamps: new BigInt64Array(bodies.length),
    timestampType: 1,
  };
}

/** The three hashes that a record costs, and nothing else; gives something that depends on them. */
export function hashRecords(bodies: RecordColumns, records: number): number {
  return hashing().name === 'native' ? hashNatively(bodies, records) : hashLoop(bodies, records);
}

function hashNatively(bodies: RecordColumns, records: number): number {
  const none = new Uint8Array(0);
  const start = { size: 0n, chain: genesis(ORIGIN), last: none, frontier: none };
  const hashes = hashing().hashesAt(start);
  for (let done = 0; done < records; done += bodies.count) {
    hashes.append(bodies, 0, Math.min(bodies.count, records - done));
  }
  return hashes.chain[0] as number;
}

function hashLoop({ bytes, bodyStart, bodyEnd }: RecordColumns, records: number): number {
  const bodies = Array.from(bodyStart, (start, index) => bytes.subarray(start, bodyEnd[index]));
  const leaf = new Uint8Array(LEAF_BYTES);
  const node = new Uint8Array(NODE_BYTES);
  let sum = 0;
  for (let done = 0; done < records; ) {
    for (const body of bodies) {
      if (done === records) break;
      done += 1;
      sum ^= digest(body).charCodeAt(0);
      sum ^= digest(leaf).charCodeAt(0);
      sum ^= digest(node).charCodeAt(0);
    }
  }
  return sum;
}
