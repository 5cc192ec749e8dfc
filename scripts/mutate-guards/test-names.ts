/**
 * Test names are written as the file has them: a part of a name, or ` > ` between parts of a group's name and a test's. A name that a table makes is
 * not in the file as a whole, and its parts are.
 */
const BETWEEN = ' > '

/** The pattern over whole names, groups included, for `--testNamePattern`. */
export function patternOf(names: string[]): string {
  return names
    .map((name) =>
      name
        .split(BETWEEN)
        .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
        .join('.*'),
    )
    .join('|')
}

/** The parts of a name that do not stand in a test file. */
export function missingParts(source: string, name: string): string[] {
  return name.split(BETWEEN).filter((part) => !source.includes(part))
}
