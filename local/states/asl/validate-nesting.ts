import { SECONDS, surroundings, type Fields, type StateChecking } from './checking.ts'
import { isObject } from './json.ts'
import {
  checkExpression,
  checkFields,
  checkTemplate,
  numberOrExpression,
  type Report,
} from './validate-fields.ts'

/** Checks the fields that only a Map has, and the block of its iterations. */
export function checkMap(state: Fields, where: string, checking: StateChecking): void {
  const { report, checkBlock } = checking
  const plain = surroundings(checking)
  const processor = state['ItemProcessor']
  if (!isObject(processor)) report(`${where}.ItemProcessor`, 'must be an object')
  else {
    const at = `${where}.ItemProcessor`
    checkFields(
      processor,
      at,
      ['ProcessorConfig', 'StartAt', 'States', 'Comment'],
      'an ItemProcessor',
      report,
    )
    if ('ProcessorConfig' in processor)
      checkProcessorConfig(processor['ProcessorConfig'], `${at}.ProcessorConfig`, report)
    checkBlock(processor, at)
  }
  const items = state['Items']
  if (typeof items === 'string') checkExpression(items, `${where}.Items`, plain, report)
  else if (Array.isArray(items)) checkTemplate(items, `${where}.Items`, plain, report)
  else if ('Items' in state) report(`${where}.Items`, 'must be a list or an expression for one')
  if ('ItemSelector' in state) checkTemplate(state['ItemSelector'], `${where}.ItemSelector`, plain, report)
  const bounds = {
    MaxConcurrency: SECONDS,
    ToleratedFailureCount: SECONDS,
    ToleratedFailurePercentage: [0, 100],
  } as const
  for (const [field, range] of Object.entries(bounds))
    if (field in state) numberOrExpression(state[field], `${where}.${field}`, range, plain, report)
}

function checkProcessorConfig(config: unknown, where: string, report: Report): void {
  if (!isObject(config)) return report(where, 'must be an object')
  checkFields(config, where, ['Mode'], 'a ProcessorConfig', report)
  if (config['Mode'] === 'DISTRIBUTED')
    report(`${where}.Mode`, 'distributed maps are outside our subset; use INLINE')
  else if (config['Mode'] !== 'INLINE') report(`${where}.Mode`, 'must be "INLINE"')
}

/** Checks the fields that only a Parallel has, and its branches. */
export function checkParallel(state: Fields, where: string, { report, checkBlock }: StateChecking): void {
  const branches = state['Branches']
  if (!Array.isArray(branches) || branches.length === 0)
    return report(`${where}.Branches`, 'must be a list of at least one branch')
  for (const [index, branch] of (branches as unknown[]).entries()) {
    const at = `${where}.Branches[${index}]`
    if (!isObject(branch)) report(at, 'must be an object')
    else {
      checkFields(branch, at, ['StartAt', 'States', 'Comment'], 'a branch', report)
      checkBlock(branch, at)
    }
  }
}
