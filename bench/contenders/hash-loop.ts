/** Three hashes a record: its body, 82 bytes of a leaf, 65 bytes of a node; on some threads. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { contend } from '../harness/contend.js';

interface HashTask {
  readonly records: number;
  readonly bytes: number;
  readonly samples: string;
  readonly threads: number;
}

await contend<HashTask>(async ({ records, samples, threads }, watch) => {
  const script = new URL('./hash-worker.js', import.meta.url);
  const workers = Array.from({ length: threads }, (_, index) => {
    const share = Math.floor(records / threads) + (index < records % threads ? 1 : 0);
    return new Worker(script, { workerData: { samples, records: share } });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const done = workers.map((worker) => once(worker, 'message'));
  watch.start();
  for (const worker of workers) worker.postMessage('go');
  await Promise.all(done);
  watch.stop();
  return { records };
});
