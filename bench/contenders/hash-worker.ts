/** One thread of hash-loop: says when it is ready, waits, hashes, says when it is done. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { hashRecords, readBodies } from '../harness/hash-records.js';

const { samples, records } = workerData as { samples: string; records: number };
if (parentPort === null) throw new Error('this file is a worker');
const bodies = await readBodies(samples);
parentPort.postMessage('ready');
await once(parentPort, 'message');
parentPort.postMessage(hashRecords(bodies, records));
parentPort.close();
