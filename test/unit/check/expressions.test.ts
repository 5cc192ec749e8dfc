import { describe, expect, test } from 'vitest'
import { all, build, choice, eachFault, findings, lambda, mac, plan, type GoodMachine } from './machines.ts'

const output = (expression: string) => (m: GoodMachine) => (plan(m)['Output'] = expression)

describe('expressions', () => {
  eachFault([
    [
      'a syntax error',
      output('{% $states.input. %}'),
      'Plan.Output (expressions): JSONata 2.0.6 does not compile this',
    ],
    [
      '?? of a later JSONata',
      output('{% $states.input.a ?? 1 %}'),
      'Plan.Output (expressions): JSONata 2.0.6 does not compile this',
    ],
    ['an empty expression', output('{%%}'), 'Plan.Output (expressions): JSONata 2.0.6 does not compile this'],
    ['$now()', output('{% $now() %}'), 'Plan.Output (expressions): $now() is refused'],
    ['$millis()', output('{% $millis() %}'), 'Plan.Output (expressions): $millis() is refused'],
    ['$random()', output('{% $random() %}'), 'Plan.Output (expressions): $random() is refused'],
    ['$uuid()', output('{% $uuid() %}'), 'Plan.Output (expressions): $uuid() is refused'],
    ['$eval()', output("{% $eval('1') %}"), 'Plan.Output (expressions): $eval() is refused'],
    ['$ alone', output('{% $ %}'), 'Plan.Output (expressions): $ alone'],
    ['$ with a field', output('{% $.verdict %}'), 'Plan.Output (expressions): $ alone'],
    ['$$', output('{% $$.verdict %}'), 'Plan.Output (expressions): $$ alone'],
    ['$ in a predicate', output('{% $states.input.list[$ > 1] %}'), 'Plan.Output (expressions): $ alone'],
    [
      'a name without $states',
      output('{% input.verdict %}'),
      "Plan.Output (expressions): 'input' is looked up nowhere",
    ],
    [
      'a name without $states in an argument',
      output('{% $count(batches) %}'),
      "Plan.Output (expressions): 'batches' is looked up nowhere",
    ],
    [
      'a misspelt field of $states',
      output('{% $states.output %}'),
      'Plan.Output (expressions): there is no $states.output here',
    ],
    [
      'a result before there is one',
      (m) => (plan(m)['Arguments'] = { ...lambda, Payload: '{% $states.result %}' }),
      'Plan.Arguments.Payload (expressions): there is no $states.result here',
    ],
    [
      'an error where none was caught',
      output('{% $states.errorOutput %}'),
      'Plan.Output (expressions): there is no $states.errorOutput here',
    ],
    [
      'a result where an error was caught',
      (m) => (plan(m)['Catch'] = [{ ...all, Output: '{% $states.result %}' }]),
      'Plan.Catch[0].Output (expressions): there is no $states.result here',
    ],
    [
      'a space before the expression',
      output(' {% 1 %}'),
      'Plan.Output (expressions): an expression is the whole text',
    ],
    [
      'an expression within a text',
      output('wave {% $wave %}'),
      'Plan.Output (expressions): an expression is the whole text',
    ],
    [
      'an expression in a field that is not evaluated',
      (m) => (plan(m)['Comment'] = '{% 1 %}'),
      'Plan.Comment (expressions): expressions are not evaluated here',
    ],
    ['a JSONPath', output('$.verdict'), 'Plan.Output (expressions): this is JSONPath'],
    [
      'an intrinsic function of JSONPath',
      output("States.Format('a')"),
      'Plan.Output (expressions): this is JSONPath',
    ],
    [
      'a condition that is a text',
      (m) => (choice(m)['Choices'] = [{ Condition: 'yes', Assign: { missing: true }, Next: 'BuildBatches' }]),
      'IsAnythingMissing.Choices[0].Condition (expressions): a condition is an expression',
    ],
  ])

  test.each([
    ['names of fields in a predicate', "{% $states.input.list[system = 'x'].name %}"],
    ['variables that the expression binds itself', '{% ($total := $sum($states.input.sizes); $total + 1) %}'],
    ['parameters of a function', '{% $map($states.input.list, function($item) { $item.key }) %}'],
    ['a function as a value', '{% $map($states.input.list, $string) %}'],
    ['names for items and their places', '{% $states.input.list@$item#$place.{$item.key: $place} %}'],
    ['grouping and sorting by fields', '{% $states.input.list^(>size){name: size} %}'],
    ['functions of Step Functions', "{% $hash($string($states.input), 'SHA-256') %}"],
  ])('%s are fine', async (_, expression) => {
    expect(await findings(output(expression))).toEqual([])
  })
})

describe('variables are assigned on every path before they are read', () => {
  eachFault([
    [
      'never assigned',
      (m) => (m.States.Pause['Seconds'] = '{% $patience %}'),
      'Pause.Seconds (variables): no state assigns $patience',
    ],
    [
      'assigned by one choice alone',
      (m) => delete choice(m)['Assign'],
      'Pause.Seconds (variables): $missing is not assigned when IsAnythingMissing leads here by Default',
    ],
    [
      'not assigned where an error was caught',
      (m) => (m.States.Report['Arguments'] = { ...lambda, Payload: '{% $wave %}' }),
      'Report.Arguments.Payload (variables): $wave is not assigned when Plan leads here by Catch[0].Next',
    ],
    [
      'read by the state that assigns it first',
      (m) => (plan(m)['Arguments'] = { ...lambda, Payload: '{% $wave %}' }),
      'Plan.Arguments.Payload (variables): $wave is not assigned on the way into this state',
    ],
    [
      'assigned inside a Map, read outside',
      (m) => {
        build(m)['Assign'] = { built: true }
        m.States.Report['Output'] = '{% $built %}'
      },
      'Report.Output (variables): no state assigns $built',
    ],
    [
      'inside a Map, assigned on one path alone',
      (m) => {
        build(m)['Assign'] = { built: true }
        mac(m)['Arguments'] = '{% $built %}'
      },
      'BuildBatches/BuildOnMac.Arguments (variables): $built is not assigned when Build leads here by Catch[0].Next',
    ],
    [
      'an outer variable assigned inside a Map',
      (m) => (build(m)['Assign'] = { wave: 2 }),
      'BuildBatches/Build.Assign.wave (variables): $wave belongs to a scope around this one',
    ],
    [
      'a name that JSONata has',
      (m) => (build(m)['Assign'] = { count: 2 }),
      "BuildBatches/Build.Assign.count (variables): $count is JSONata's own",
    ],
  ])
})

describe('${ begins a placeholder', () => {
  eachFault([
    [
      'without a name',
      (m) => (m.States.Pause['Comment'] = 'costs ${} a day'),
      'States.Pause.Comment (placeholders): CloudFormation takes every ${',
    ],
    [
      'with a dot',
      (m) => (build(m)['Arguments'] = { ProjectName: '${Builder.Name}' }),
      'States.BuildBatches.ItemProcessor.States.Build.Arguments.ProjectName (placeholders)',
    ],
  ])
})
