import { encodeBody } from '../../ledger/body.js';
import { digest } from '../../ledger/sha256.js';
import { readSamples } from './samples.js';

const LEAF_BYTES = 82;
const NODE_BYTES = 65;

/** The bodies of the samples, side by side in one buffer as in a batch, one view each. */
export async function readBodies(path: string): Promise<Uint8Array[]> {
  const bodies = (await readSamples(path)).map((parts) => encodeBody(parts));
  const all = new Uint8Array(bodies.reduce((sum, body) => sum + body.length, 0));
  let at = 0;
  return bodies.map((body) => {
    all.set(body, at);
    at += body.length;
    return all.subarray(at - body.length, at);
  });
}

/** The three hashes that a record costs, and nothing else; gives something that depends on them. */
export function hashRecords(bodies: readonly Uint8Array[], records: number): number {
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
