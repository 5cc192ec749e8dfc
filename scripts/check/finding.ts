/** Something that is wrong in a checked file, and what to do about it. */
export interface Finding {
  file: string
  /** the state, resource or other thing it is about, such as `BuildBatches/Build`; empty for the file as a whole */
  where: string
  /** the field below it, such as `Retry[0].JitterStrategy`; empty for the thing as a whole */
  field: string
  /** the rule that found it */
  rule: string
  problem: string
  /** what to do about it; empty when the problem says so itself */
  remedy: string
}

/** A finding as a rule reports it, before it is known in which file. */
export type Fault = Omit<Finding, 'file' | 'rule'>

/** `file: where.field: what is wrong; what to do (rule)`, on one line. */
export function printFinding({ file, where, field, rule, problem, remedy }: Finding): string {
  const place = [where, field].filter((part) => part !== '').join('.')
  return `${file}: ${place === '' ? '' : `${place}: `}${problem}${remedy === '' ? '' : `; ${remedy}`} (${rule})`
}

/** Prints the findings of a check and sets the exit code: 1 when there is one. */
export function reportFindings(findings: Finding[], checked: string): void {
  for (const finding of findings) console.log(printFinding(finding))
  console.log(findings.length === 0 ? `${checked}: no findings` : `${checked}: ${findings.length} findings`)
  if (findings.length > 0) process.exitCode = 1
}
