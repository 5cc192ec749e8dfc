import { objectOf, stringsIn, type Json } from '../../json.ts'
import { isTerminal } from '../machine.ts'
import { eachState, fault } from '../rule.ts'

// An inline Map runs at most 40 iterations at once, and 0 stands for "as many as there are".
// Source: Step Functions developer guide, "Using Map state in Inline mode".
const mostAtOnce = 40

function isComputed(value: Json | undefined): boolean {
  return value === undefined || [...stringsIn(value)].some(({ text }) => text.startsWith('{%'))
}

/**
 * Maps are inline, bounded, and put nothing out: the results of all iterations together must fit into 256 KiB, while Output comes too late
 * to make them smaller. So each state that ends an iteration has an Output of its own that is a constant.
 */
export const maps = eachState('maps', function* (placed) {
  if (placed.type !== 'Map') return
  const { MaxConcurrency: limit, ItemProcessor: processor, Output: output } = placed.state
  if (typeof limit !== 'number' || limit < 1 || limit > mostAtOnce) {
    const problem = `${limit === undefined ? 'a Map without MaxConcurrency' : JSON.stringify(limit)} is no limit between 1 and ${mostAtOnce}`
    yield fault(placed, 'MaxConcurrency', problem, `write a number, at most ${mostAtOnce}`)
  }
  if (objectOf(objectOf(processor)['ProcessorConfig'])['Mode'] === 'DISTRIBUTED') {
    yield fault(placed, 'ItemProcessor.ProcessorConfig.Mode', 'our Maps are inline', 'write "Mode": "INLINE"')
  }
  if (output === undefined || [...stringsIn(output)].some(({ text }) => text.includes('$states.result'))) {
    yield fault(
      placed,
      'Output',
      'the Map puts out the results of its iterations',
      'give it an Output of its own, such as {}',
    )
  }
  for (const ending of placed.inner.flatMap(({ states }) => states).filter(isTerminal)) {
    if (ending.type === 'Fail' || !isComputed(ending.state['Output'])) continue
    const problem =
      'an iteration ends here with a result, and the results of all iterations must fit into 256 KiB'
    yield fault(ending, 'Output', problem, 'add "Output": {}')
  }
})
