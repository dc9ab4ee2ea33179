/**
 * A process, or a thread, that adds one to `first` of one slot, many times, by compare-and-set; what
 * the race tests start. Arguments: the folder, how many times. It waits for the slot to be filled.
 * Prints `open`, `busy` when the memory is first not to be had (which it waits out), and at the end
 * how often another was first.
 */
import { isMainThread, parentPort } from 'node:worker_threads';
import { SealstreamError } from '../../../ledger/error.js';
import { openMemory } from '../../../store/folder.js';

const [folder, times] = process.argv.slice(2);
if (folder === undefined || times === undefined) throw new Error('usage: racer FOLDER TIMES');
const key = { ledger: 'audit.example.com', topic: 'audit', partition: 0 };
const memory = await openMemory(folder);
tell('open');
let lost = 0;
let wasBusy = false;
for (let done = 0; done < Number(times); ) {
  try {
    const slot = await memory.read(key);
    if (slot === null) {
      await pause();
      continue;
    }
    const record = { ...slot.record, first: slot.record.first + 1n };
    if ((await memory.compareAndSet(key, slot.version, record)) === null) lost += 1;
    else done += 1;
  } catch (error) {
    if (!(error instanceof SealstreamError) || error.code !== 'busy') throw error;
    if (!wasBusy) tell('busy');
    wasBusy = true;
    await pause();
  }
}
await memory.close();
tell(String(lost));

function tell(line: string): void {
  if (isMainThread) process.stdout.write(`${line}\n`);
  else parentPort?.postMessage(line);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
