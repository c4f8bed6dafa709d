/** A chart in a sentence, for those who hear the page. */

/**
 * @param {{title: string, series: any[], show: (value: number) => string}} described
 * @param {(number | null)[][]} data the moments, and each series' values
 */
export function chartInWords({ title, series, show }, data) {
  const told = series.map(([label], index) => {
    const values = (data[index + 1] ?? []).filter((value) => value != null);
    if (!values.length) return `${label}: nothing measured`;
    const [now, least, most] = [values.at(-1), Math.min(...values), Math.max(...values)].map(show);
    return least === most ? `${label} ${now} all along` : `${label} ${now} now, between ${least} and ${most}`;
  });
  return `${title}: ${told.join("; ")}.`;
}
