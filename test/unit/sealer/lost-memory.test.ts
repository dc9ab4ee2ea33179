import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LogReport } from '../../../sealer/index.js';
import { openMemory } from '../../../store/folder.js';
import { TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';

interface Scene {
  readonly ledger: TestLedger;
  /** Where the memory may be taken. */
  readonly taken: string;
  readonly log: () => LogReport | undefined;
}

/** A log whose two records a running sealer has sealed. */
async function sealing(context: TestContext): Promise<Scene> {
  const ledger = await TestLedger.make();
  const stop = new AbortController();
  const sealer = await ledger.sealer({ every: 20, heartbeat: 20 });
  const running = sealer.run(stop.signal);
  context.after(async () => {
    stop.abort();
    await running;
    await ledger.remove();
  });
  const log = () => sealer.report().find(({ topic }) => topic === TOPIC);
  await ledger.append(2);
  await until(() => log()?.sealed?.size === 2n);
  return { ledger, taken: join(ledger.folder, 'taken'), log };
}

async function sizes(ledger: TestLedger): Promise<bigint[]> {
  return (await ledger.checkpoints()).map(({ size }) => size);
}

test('nothing is published while the memory is away, and sealing goes on after', async (context) => {
  const { ledger, taken, log } = await sealing(context);
  renameSync(ledger.memoryPath, taken);
  await until(() => log()?.waiting?.includes('is gone') === true);
  const bytes = readFileSync(join(taken, 'data.mdb'));
  const published = await ledger.notes();
  await ledger.append(3);
  // It has tried to begin anew meanwhile.
  await until(() => log()?.waiting?.startsWith('memory: ') === true);
  assert.deepEqual(await ledger.notes(), published);
  assert.deepEqual(readFileSync(join(taken, 'data.mdb')), bytes);
  assert.equal(existsSync(ledger.memoryPath), false);

  renameSync(taken, ledger.memoryPath);
  await until(async () => (await sizes(ledger)).includes(5n));
  assert.deepEqual(await ledger.wrong(), []);
});

test('an older copy in the place of the memory is refused, the newest one sealed on', async (context) => {
  const { ledger, taken, log } = await sealing(context);
  const older = `${taken}.older`;
  renameSync(ledger.memoryPath, older);
  await until(() => log()?.waiting?.includes('is gone') === true);
  cpSync(older, taken, { recursive: true });
  renameSync(taken, ledger.memoryPath);
  await ledger.append(1);
  await until(() => log()?.sealed?.size === 3n);

  renameSync(ledger.memoryPath, taken);
  renameSync(older, ledger.memoryPath);
  await until(() => log()?.refusal?.reason === 'memory-behind');
  renameSync(ledger.memoryPath, older);
  renameSync(taken, ledger.memoryPath);
  await ledger.append(1);
  await until(() => log()?.phase === 'sealing' && log()?.sealed?.size === 4n);
  assert.deepEqual(await ledger.wrong(), []);
});

test('a memory that comes after the sealer, in the place of an empty one, is taken up', async (context) => {
  const { ledger, taken, log } = await sealing(context);
  renameSync(ledger.memoryPath, taken);
  await until(() => log()?.waiting?.includes('is gone') === true);
  // As a sealer makes it that starts before the volume is mounted.
  await (await openMemory(ledger.memoryPath, { create: true })).close();
  await until(() => log()?.refusal?.reason === 'memory-missing');
  rmSync(ledger.memoryPath, { recursive: true });
  renameSync(taken, ledger.memoryPath);
  await ledger.append(2);
  await until(() => log()?.phase === 'sealing' && log()?.sealed?.size === 4n);
  assert.deepEqual(await ledger.wrong(), []);
});
