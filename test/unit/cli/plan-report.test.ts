import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planLines } from '../../../cli/plan-report.js';
import type { Difference } from '../../../policy/plan/difference.js';

const WAIVER = { code: 'x', topic: null, until: '2026-12-31', reason: 'decided in the review' };

function difference(edit: Partial<Difference>): Difference {
  return {
    code: 'retention-time',
    topic: 'audit',
    partition: null,
    subject: 'topic audit',
    field: 'retention.ms',
    found: '1000',
    wanted: '-1',
    effect: 'tightens',
    by: 'apply',
    remedy: 'mend it',
    waiver: null,
    change: null,
    ...edit,
  };
}

test('a plan is grouped by subject, each line with its mark, and counted at the end', () => {
  const lines = planLines(
    [
      difference({}),
      difference({ subject: 'broker 1', by: 'operator', code: 'auto-create', field: 'auto' }),
      difference({ field: 'partitions', effect: 'adds', found: '2', wanted: '3' }),
      difference({ effect: 'loosens', found: '-1', wanted: '5' }),
      difference({ effect: 'loosens', found: '-1', wanted: '6', waiver: WAIVER }),
      difference({ code: 'log-start-moved', field: 'log start', effect: 'none', by: 'nobody' }),
      difference({ code: 'settings-unseen', field: 'settings', effect: 'none', by: 'operator' }),
      difference({ subject: 'broker 2', by: 'operator', waiver: WAIVER }),
      difference({ subject: 'broker 3', by: 'broker', code: 'auto-create', field: 'auto' }),
    ],
    false,
  );
  assert.deepEqual(lines, [
    'topic audit',
    '  ~ retention.ms: 1000 -> -1',
    '  + partitions: 2 -> 3',
    '  ! retention.ms: -1 -> 5 (refused)',
    '      retention-time: mend it',
    '  - retention.ms: -1 -> 6 (loosens, waived until 2026-12-31: decided in the review)',
    '  ! log start: 1000 -> -1 (gone)',
    '      log-start-moved: mend it',
    '  ? settings: cannot be seen',
    '      settings-unseen: mend it',
    'broker 1',
    '  ~ auto: 1000 -> -1 (by an operator)',
    '      auto-create: mend it',
    'broker 2',
    '  = retention.ms: 1000 -> -1 (waived until 2026-12-31: decided in the review)',
    'broker 3',
    "  · auto: 1000, by the broker's own file (auto-create)",
    "7 changes: 3 by apply, 3 by others, 1 refused, 1 waived; 1 of brokers' own files are for doctor.",
  ]);
  assert.deepEqual(planLines([], false), ['Nothing to do: the cluster is as declared.']);
});

test('what a cluster says moves no cursor and makes no line of its own', () => {
  const found = '\u001b[2Jall is well\n0 changes';
  const lines = planLines([difference({ found, subject: `User:${found}` })], false);
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, /^[^\p{Cc}]*$/u);
});
