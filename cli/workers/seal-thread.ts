import { Worker } from 'node:worker_threads';
import { SealstreamError } from '../../ledger/error.js';
import type { LogReport } from '../../sealer/log-report.js';
import { errorOf, sealedOf } from '../../sealer/plain.js';
import type { SealedOnce } from '../../sealer/seal-once.js';
import { THREAD_LIMITS } from './limits.js';
import type { FromThread, SealShare, ThreadReport } from './seal-job.js';

const ENTRY = new URL('./seal-worker.js', import.meta.url);

export interface SealThreadEnd {
  /** What `sealOnce` gave; empty for one that keeps sealing. */
  readonly results: readonly SealedOnce[];
  /** As they stood when it was told to stop; empty with `sealOnce`. */
  readonly logs: readonly LogReport[];
}

/** One thread that seals, seen from the main thread. */
export class SealThread {
  /** Rejects with what ended it. */
  readonly ended: Promise<SealThreadEnd>;
  readonly #worker: Worker;

  constructor(
    share: SealShare,
    onReport: (report: ThreadReport) => void,
    onUnchecked: (why: string) => void,
  ) {
    const worker = new Worker(ENTRY, {
      workerData: share,
      name: `seal-${share.index}`,
      resourceLimits: THREAD_LIMITS,
    });
    this.#worker = worker;
    this.ended = new Promise((resolve, reject) => {
      let results: readonly SealedOnce[] = [];
      let logs: readonly LogReport[] | null = null;
      let failure: Error | null = null;
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'report') onReport(message);
        else if (message.kind === 'unchecked') onUnchecked(message.why);
        else if (message.kind === 'sealed') results = message.results.map(sealedOf);
        else if (message.kind === 'failed') failure ??= errorOf(message.error);
        else logs = message.logs;
      });
      // What nobody in the thread has caught.
      worker.on('error', (error: Error) => {
        failure ??= error;
      });
      worker.once('exit', (code) => {
        if (failure !== null) reject(failure);
        else if (logs !== null) resolve({ results, logs });
        else reject(died(share.index, code));
      });
    });
  }

  /** Asks it to publish last checkpoints and end. */
  stop(): void {
    this.#worker.postMessage('stop');
  }
}

function died(index: number, code: number): SealstreamError {
  return new SealstreamError('internal', `sealing thread ${index} ended unasked, with ${code}`);
}
