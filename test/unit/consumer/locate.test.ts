import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkBothWays, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

const CHANGES = ['changeByte', 'remove'] as const;

/** Wherever checkpoints stand and whichever record is changed. */
test('one change: found, enclosed, and everything outside its range vouched for', async () => {
  const cases = fc.record({
    intervals: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
    at: fc.nat(),
    change: fc.constantFrom(...CHANGES),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ intervals, at, change }) => {
      const place = await FolderPlace.open();
      try {
        const made = await MadeLedger.create(place.stream, { partitions: 1 });
        for (const count of intervals) await made.appendAndSeal(0, count);
        const size = intervals.reduce((sum, count) => sum + count, 0);
        const offset = BigInt(at % size);
        await place.offline((root) => tamper(root, made.topic, 0, (log) => log[change](offset)));
        const report = partition(await checkBothWays(made, place.stream), 0);

        assert.equal(report.findings.length, 1);
        const [found] = report.findings;
        assert.ok(found?.from !== null && found?.to !== null && found !== undefined);
        assert.equal(found.code, change === 'remove' ? 'record-missing' : 'record-altered');
        assert.ok(found.from <= offset && offset < found.to, `${offset} in ${found.message}`);
        let start = 0n;
        for (const count of intervals) {
          const end = start + BigInt(count);
          if (start <= offset && offset < end) {
            assert.ok(start <= found.from && found.to <= end, found.message);
            assert.equal(report.verified.records, BigInt(size - count));
          }
          start = end;
        }
      } finally {
        await place.close();
      }
    }),
    { numRuns: 40 },
  );
});
