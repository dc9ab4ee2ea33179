import assert from 'node:assert/strict';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { openMemory } from '../../store/folder.js';
import { LEDGER, LedgerDesk } from '../support/ledger-desk.js';

describe('verify --memory says what nothing was held against', () => {
  let desk: LedgerDesk;
  before(async () => {
    desk = await LedgerDesk.make({ bootstrap: null, partitions: 2 });
    await desk.json(['seal', '--once']);
  });
  after(() => desk.close());

  /** Intact either way: what it says on stderr. */
  async function said(memory: string, ...words: string[]): Promise<string> {
    const text = await desk.run(['verify', '--memory', memory, ...words]);
    assert.equal(text.code, 0, text.stderr);
    return text.stderr;
  }

  it('a new folder, and one that is there and holds no memory', async () => {
    assert.match(
      await said('new'),
      /^--memory new: new; there is nothing yet to hold the log against\n$/,
    );
    assert.equal(await said('new'), '');
    await mkdir(desk.path('other'));
    await writeFile(desk.path('other', 'file'), 'x');
    assert.match(
      await said('other'),
      /^--memory other: the folder is there and holds no memory: one/,
    );
    assert.equal(await said('other'), '');
  });

  it('a database that was emptied, or cut to nothing, under the right path', async () => {
    await (await openMemory(desk.path('empty'), { create: true })).close();
    assert.match(
      await said('empty'),
      /^--memory empty: is there and empty; there is nothing to hold/,
    );
    assert.equal(await said('empty'), '');
    await truncate(desk.path('empty', 'data.mdb'), 0);
    await rm(desk.path('empty', 'lock.mdb'));
    assert.match(await said('empty'), /^--memory empty: the folder is there and holds no memory/);
  });

  it('another ledger, another topic, a partition whose key was renamed: each by its name', async () => {
    assert.equal((await desk.run(['verify', '--memory', 'kept'])).code, 0);
    const move = async (renamed: (key: { topic: string; partition: number }) => object) => {
      const from = await openMemory(desk.path('kept'));
      const to = await openMemory(desk.path('renamed'), { create: true });
      for (const { key, slot } of await from.list(LEDGER)) {
        const moved = { ...key, ...renamed(key) };
        const { origin } = slot.record;
        const named = origin.replace(LEDGER, moved.ledger).replace(key.topic, moved.topic);
        await to.compareAndSet(moved, null, { ...slot.record, origin: named, checkpoint: null });
      }
      await from.close();
      await to.close();
    };
    await move(() => ({ ledger: 'other.example' }));
    assert.match(
      await said('renamed', '--json'),
      new RegExp(
        `^--memory renamed: holds nothing of ${desk.topic}.configuration/0, ${desk.topic}/0, .* of ledger ${LEDGER}; it knows ledger other.example; nothing was held against them`,
      ),
    );
    await rm(desk.path('renamed'), { recursive: true });
    await move(() => ({ topic: 'elsewhere' }));
    assert.match(await said('renamed'), /it knows elsewhere\/0, elsewhere\/1; nothing was/);
    await rm(desk.path('renamed'), { recursive: true });
    await move(({ partition }) => (partition === 1 ? { topic: 'elsewhere' } : {}));
    assert.match(
      await said('renamed'),
      new RegExp(
        `^--memory renamed: holds nothing of ${desk.topic}/1; nothing was held against it`,
      ),
    );
    assert.equal(await said('renamed'), '');
  });

  it("a slot that holds another partition's record: could not check, exit 3", async () => {
    const memory = await openMemory(desk.path('kept'));
    const [slots] = [await memory.list(LEDGER)];
    const of = (partition: number) =>
      slots.find(({ key }) => key.topic === desk.topic && key.partition === partition);
    const [first, second] = [of(0), of(1)];
    assert.ok(first && second);
    await memory.compareAndSet(second.key, second.slot.version, first.slot.record);
    await memory.close();
    const { code, report } = await desk.verify('--memory', 'kept');
    assert.equal(code, 3);
    assert.deepEqual(
      report.partitions.map(({ findings }) => findings.map((found) => found.code)),
      [[], ['unreadable']],
    );
  });

  it('--deadline: none, and one that is none', async () => {
    assert.equal((await desk.run(['verify', '--deadline', '10m'])).code, 0);
    const wrong = await desk.run(['verify', '--deadline', '10']);
    assert.equal(wrong.code, 64);
    assert.match(wrong.stderr, /--deadline 10: expected a duration/);
  });
});
