import assert from 'node:assert/strict';
import { test } from 'node:test';
import Table from 'cli-table3';
import { paints, revealed } from '../../../cli/paint.js';

const terminal = { isTTY: true, hasColors: () => true } as NodeJS.WriteStream;
const dull = { isTTY: true, hasColors: () => false } as NodeJS.WriteStream;
const pipe = {} as NodeJS.WriteStream;
const { red, bold } = paints(true);

test('our colours come out on a terminal that has some, and nowhere else', () => {
  const text = `${red('bad')} and ${bold('loud')}`;
  assert.equal(revealed(text, terminal), '\u001b[31mbad\u001b[39m and \u001b[1mloud\u001b[22m');
  assert.equal(revealed(text, dull), 'bad and loud');
  assert.equal(revealed(text, pipe), 'bad and loud');
});

test('nobody else’s colours do, not even those that came out before', () => {
  const copied = revealed(red('bad'), terminal);
  const guessed = '\u001b[1234;1234;1234;31mbad';
  for (const text of [copied, guessed, '\u001b[8m\u009b8m\u202e']) {
    assert.doesNotMatch(revealed(red(text), pipe), /\p{Cc}|\p{Bidi_Control}/u);
    assert.doesNotMatch(revealed(text, terminal), /\p{Cc}|\p{Bidi_Control}/u);
  }
});

test('a table measures painted text as it will look', () => {
  const draw = (state: string): string => {
    const table = new Table({ head: ['topic', 'state'], style: { head: [], border: [] } });
    table.push(['audit', state], ['audit', 'ok']);
    return revealed(table.toString(), pipe);
  };
  assert.equal(draw(red('refused')), draw('refused'));
});
