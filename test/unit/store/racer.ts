/**
 * A process that adds one to `first` of one slot, many times, by compare-and-set; what the race
 * test starts. Arguments: the folder, how many times. Prints how often another process was first.
 */
import { openMemory } from '../../../store/folder.js';

const [folder, times] = process.argv.slice(2);
if (folder === undefined || times === undefined) throw new Error('usage: racer FOLDER TIMES');
const key = { ledger: 'audit.example.com', topic: 'audit', partition: 0 };
const memory = await openMemory(folder);
let lost = 0;
for (let done = 0; done < Number(times); ) {
  const slot = await memory.read(key);
  if (slot === null) throw new Error('the slot is gone');
  const record = { ...slot.record, first: slot.record.first + 1n };
  if ((await memory.compareAndSet(key, slot.version, record)) === null) lost += 1;
  else done += 1;
}
await memory.close();
process.stdout.write(`${lost}\n`);
