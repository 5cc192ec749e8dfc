/** A number that was measured several times. */
export interface Series {
  median: number
  min: number
  max: number
}

/**
 * Median and spread of what was measured, rounded to 4 digits.
 * @throws RangeError when nothing was measured
 */
export function seriesOf(values: number[]): Series {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  if (min === undefined || max === undefined || low === undefined || high === undefined) {
    throw new RangeError('nothing was measured')
  }
  return { median: round((low + high) / 2), min: round(min), max: round(max) }
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
