/** Which commands fit what was typed: each word of it must be found; a slip of the finger is forgiven. */

const ALIKE = 0.4; // of the letter pairs that two words have, so many are shared by words that may be meant

/**
 * The best first. Where none has every word, `isExact` is false and it is what may have been meant.
 * @template {{title: string}} T
 * @param {string} query
 * @param {T[]} commands
 */
export function ranked(query, commands) {
  const wanted = wordsOf(query);
  const fitting = best(commands, ({ title }) => sum(wanted.map((word) => fit(word, wordsOf(title)))));
  if (fitting.length || !wanted.length) return { found: fitting, isExact: true };
  const alike = ({ title }) => Math.max(...wanted.map((word) => Math.max(...wordsOf(title).map((other) => likeness(word, other)))));
  return { found: best(commands, (command) => (alike(command) >= ALIKE ? alike(command) : 0)), isExact: false };
}

/** Those with points, most points first, and as they came where these are the same. */
function best(commands, pointsOf) {
  const judged = commands.map((command) => ({ command, points: pointsOf(command) }));
  return judged.filter(({ points }) => points > 0).sort((a, b) => b.points - a.points).map(({ command }) => command);
}

const wordsOf = (text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/** Points of all words; one that is not found at all takes them away. Nothing typed fits everything. */
const sum = (points) => (points.includes(0) ? 0 : 1 + points.reduce((total, each) => total + each, 0));

function fit(word, others) {
  if (others.includes(word)) return 4;
  if (others.some((other) => other.startsWith(word))) return 3;
  if (others.some((other) => other.includes(word))) return 2;
  return isSpread(word, others.join("")) && word.length > 2 ? 1 : 0;
}

/** Whether the letters come in this order, with others between them. */
function isSpread(word, text) {
  let at = -1;
  return [...word].every((letter) => (at = text.indexOf(letter, at + 1)) >= 0);
}

/** The share of letter pairs that two words have in common (Dice 1945). */
function likeness(one, other) {
  const pairs = (text) => Array.from({ length: text.length - 1 }, (_, index) => text.slice(index, index + 2));
  const [mine, theirs] = [pairs(one), pairs(other)];
  const shared = mine.filter((pair) => theirs.includes(pair)).length;
  return (2 * shared) / Math.max(1, mine.length + theirs.length);
}
