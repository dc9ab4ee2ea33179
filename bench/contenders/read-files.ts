/** Reads the segment files of a topic from beginning to end, and does nothing with them. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { contend } from '../harness/contend.js';
import type { BenchTopic } from '../harness/ledger.js';

interface ReadTask extends BenchTopic {
  readonly records: number;
  readonly bytes: number;
}

const CHUNK = 1024 * 1024;

function readFile(path: string, buffer: Uint8Array): number {
  const file = openSync(path, 'r');
  let total = 0;
  try {
    for (;;) {
      const bytes = readSync(file, buffer);
      if (bytes === 0) return total;
      total += bytes;
    }
  } finally {
    closeSync(file);
  }
}

await contend<ReadTask>(async ({ url, topic, partitions, records, bytes }, watch) => {
  const buffer = new Uint8Array(CHUNK);
  let total = 0;
  watch.start();
  for (let partition = 0; partition < partitions; partition += 1) {
    const folder = join(url.slice('file:'.length), `${topic}-${partition}`);
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.log')) total += readFile(join(folder, name), buffer);
    }
  }
  watch.stop();
  if (total < bytes) throw new Error(`${total} bytes in the files`);
  return { records };
});
