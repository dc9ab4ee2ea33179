import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Checkpoint,
  clockCorrected,
  formatCheckpoint,
  formatClockCorrected,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../../ledger/index.js';
import { checkpointOf, KEY, madeLog, ORIGIN, throwsCode } from './support.js';

const WRONG = Date.UTC(2076, 10, 29, 10, 0, 0, 7);
const LINE = ['clock-corrected', '2076-11-29T10:00:00.007Z'] as const;
const HASH = 'A'.repeat(43).concat('=');

function made(extensions: Checkpoint['extensions']): Checkpoint {
  return checkpointOf(madeLog(7), { extensions });
}

/** As anybody could spell it, the formatter not asked. */
function textOf(...lines: string[]): string {
  return `${formatCheckpoint(made([]))}${lines.join('\n')}\n`;
}

test('the line is formatted, signed, opened and read', () => {
  assert.deepEqual(formatClockCorrected(WRONG), LINE);
  const note = signCheckpoint(made([['config', HASH], LINE]), KEY);
  assert.equal(clockCorrected(openCheckpoint(note, ORIGIN, KEY.publicKey)), WRONG);
  assert.equal(clockCorrected(made([['config', HASH]])), null);
});

test('a value that is no time of the one form is malformed', () => {
  const bad = [
    '2076-11-29T10:00:00Z',
    '2076-11-29T10:00:00.007+00:00',
    '2076-02-30T10:00:00.007Z',
    `${LINE[1]} ${LINE[1]}`,
    '3373869600007',
    'yes',
  ];
  for (const value of bad) {
    throwsCode(() => parseCheckpoint(textOf(`clock-corrected ${value}`)), 'malformed');
    throwsCode(() => formatCheckpoint(made([['clock-corrected', value]])), 'malformed');
  }
  throwsCode(() => parseCheckpoint(textOf('clock-corrected')), 'malformed');
  throwsCode(() => parseCheckpoint(textOf('clock-corrected ')), 'malformed');
});

test('it stands once, and in the one order; names that are not known stand anywhere', () => {
  const line = LINE.join(' ');
  const config = `config ${HASH}`;
  parseCheckpoint(textOf('x y', config, 'later z', line, 'next-key k', 'previous-key p'));
  throwsCode(() => parseCheckpoint(textOf(line, line)), 'malformed');
  throwsCode(() => parseCheckpoint(textOf(line, config)), 'malformed');
  throwsCode(() => parseCheckpoint(textOf(line, 'retired r')), 'malformed');
  throwsCode(() => parseCheckpoint(textOf('next-key k', 'x y', line)), 'malformed');
  throwsCode(() => formatCheckpoint(made([LINE, ['config', HASH]])), 'malformed');
});
