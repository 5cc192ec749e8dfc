import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../local/states/asl/json.ts'
import { evaluate } from '../../../../local/states/asl/expression.ts'
import { faultsOf } from '../../../../local/states/asl/expression-check.ts'

const anything = { variables: new Set<string>(), result: true, errorOutput: true, taskToken: true }
const value = (expression: string, input: Json = {}, variables = {}): Promise<Json> =>
  evaluate(expression, 'Output', { input, context: { State: { Name: 'Build' } } }, variables)

describe('the value of an expression', () => {
  const list = [
    { n: 1, x: 'a' },
    { n: 2, x: 'b' },
    { n: 2, x: 'c' },
  ]
  test.each<[expression: string, input: Json, expected: Json]>([
    // what surprises
    ['$states.input[n = 1]', list, { n: 1, x: 'a' }],
    ['[$states.input[n = 1]]', list, [{ n: 1, x: 'a' }]],
    ['$states.input[n = 2].x', list, ['b', 'c']],
    ['[$states.input[n = 3]]', list, []],
    ['$states.input[n = 1][]', list, [{ n: 1, x: 'a' }]],
    ['$filter($states.input, function($v) { $v.n = 1 })', list, { n: 1, x: 'a' }],
    ['[$map($states.input, function($v) { $v.n })]', list.slice(0, 1), [1]],
    ["{'kept': 1, 'gone': $states.input.missing}", {}, { kept: 1 }],
    ['[1, $states.input.missing, 2]', {}, [1, 2]],
    ['$states.input.a.b', { a: [{ b: 1 }, { b: 2 }] }, [1, 2]],
    ['$exists($states.input.missing)', {}, false],
    ["1 & ''", {}, '1'],
    // what Step Functions adds
    ['$partition([1,2,3,4,5], 2)', {}, [[1, 2], [3, 4], [5]]],
    ['$partition([], 2)', {}, []],
    ['$range(0, 10, 2)', {}, [0, 2, 4, 6, 8, 10]],
    ['$range(3, 1, -1)', {}, [3, 2, 1]],
    ['$range(1, 0, 1)', {}, []],
    ["$hash('input data', 'SHA-1')", {}, 'aaff4a450a104cd177d28d18d74485e8cae074b7'],
    ["$hash('', 'MD5')", {}, 'd41d8cd98f00b204e9800998ecf8427e'],
    ["$hash('abc', 'SHA-256')", {}, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['$parse($states.input)', '{"a":[1]}', { a: [1] }],
    ['$random(42) = $random(42)', {}, true],
    ['$random(42) = $random(43)', {}, false],
    ['$random() < 1', {}, true],
    ['$match($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/).index', {}, 0],
    // the rest of the language is there
    ['($a := 2; $f := function($n) { $n * $a }; $f(21))', {}, 42],
    ['$states.context.State.Name', {}, 'Build'],
    ['$merge([$states.input, {"b": 2}])', { a: 1 }, { a: 1, b: 2 }],
    ['$states.input ~> |$|{"b": 2}|', { a: 1 }, { a: 1, b: 2 }],
    ['$states.input^(>n, x).x', list, ['b', 'c', 'a']],
    ['$states.input{$string(n): $count($)}', list, { '1': 1, '2': 2 }],
    ['$states.input@$v#$i[$i = 1].($v.x)', list, 'b'],
  ])('%s', async (expression, input, expected) => {
    expect(faultsOf(expression, anything)).toEqual([])
    expect(await value(expression, input)).toEqual(expected)
  })

  test('is read from variables', async () => {
    expect(await value('$count * 2', {}, { count: 21 })).toBe(42)
  })

  test('leaves its input as it was', async () => {
    const input = { list: [{ n: 1 }] }
    await value('$states.input.list[]', input)
    await value('$append($states.input.list, 2)', input)
    await value('$states.input ~> |list|{"n": 2}|', input)
    expect(input).toEqual({ list: [{ n: 1 }] })
    expect(await value('$states.input.list[n = 1]', input)).toEqual({ n: 1 })
  })

  test.each([
    ['gives nothing', '$states.input.missing', 'returned nothing'],
    ['gives nothing, by a filter', '$states.input[n = 9]', 'returned nothing'],
    ['gives a function', '$sum', 'a function'],
    ['gives a function inside', '{"f": function($x) { $x }}', 'a function'],
    ['throws', "$error('mine')", 'mine'],
    ['fails an assertion', "$assert(false, 'mine')", 'mine'],
    ['compares what cannot be compared', "1 < 'a'", 'threw an error'],
    ['divides by nothing', '1 / 0', 'number'],
    ['reads no JSON', "$parse('{')", 'threw an error'],
    ['hashes by an unknown algorithm', "$hash('a', 'CRC32')", 'CRC32'],
    ['partitions into nothing', '$partition([1], 0)', 'positive'],
    ['never arrives', '$range(0, 1, 0)', 'step'],
  ])('is an error when it %s', async (_, expression, why) => {
    await expect(value(expression)).rejects.toMatchObject({
      error: 'States.QueryEvaluationError',
      reason: expect.stringContaining(why) as string,
    })
    await expect(value(expression)).rejects.toMatchObject({
      reason: expect.stringContaining(`'${expression}' specified for the field 'Output'`) as string,
    })
  })
})

describe('what is refused before it runs', () => {
  const nothing = { variables: new Set(['known']), result: false, errorOutput: false, taskToken: false }
  test.each<[expression: string, fault: string | undefined]>([
    ['$known', undefined],
    ['$known.a.b[c = 1]', undefined],
    ['$unknown', 'nothing assigns the variable $unknown'],
    ['$known & $unknown.a', 'nothing assigns the variable $unknown'],
    ["$eval('1')", '$eval is not available'],
    ['$map([1], $eval)', '$eval is not available'],
    ['$states.input.a ?? 1', 'no JSONata 2.0.6'],
    ['$states.input.a ?: 1', 'no JSONata 2.0.6'],
    ['1 +', 'no JSONata 2.0.6'],
    ['', 'no JSONata 2.0.6'],
    ['$sum([1])', undefined],
    ['$summ([1])', 'unknown function $summ'],
    ["States.Format('{}', 1)", 'States stands for nothing here'],
    ['$known(1)', '$known is a variable here and cannot be called'],
    ['$substring(?, 1)', undefined],
    ['[1,2] ~> $sum', undefined],
    ['[1,2] ~> $summ', 'nothing assigns the variable $summ'],
    ['($x := 1; $x)', undefined],
    ['function($x) { $x }(1)', undefined],
    ['function($x) { $y }(1)', 'nothing assigns the variable $y'],
    ['$.a', '$ stands for nothing here'],
    ['$$.a', '$$ is not available'],
    ['a.b', 'a stands for nothing here'],
    ['$states.input.a[b = $]', undefined],
    ['$states.input.a.{"b": b}', undefined],
    ['$states.input.a[b = $$.c]', '$$ is not available'],
    ['*', '* stands for nothing here'],
    ['$states', undefined],
    ['$states.inputs', '$states has no inputs'],
    ['$states.result', '$states.result does not exist here'],
    ['$states.errorOutput', '$states.errorOutput exists in a Catch only'],
    ['$states.context.Execution.Name', undefined],
    ['$states.context.Execution.Nmae', '$states.context.Execution has no Nmae'],
    ['$states.context.Executions', '$states.context has no Executions'],
    ['$states.context.Map.Item.Index', undefined],
    [
      '$states.context.Task.Token',
      '$states.context.Task exists in the Arguments of a .waitForTaskToken resource only',
    ],
  ])('%s: %s', (expression, fault) => {
    expect(faultsOf(expression, nothing)).toEqual(fault === undefined ? [] : [expect.stringContaining(fault)])
  })

  test('an expression with several faults has them all named', () => {
    expect(faultsOf('$a + $b', nothing)).toHaveLength(2)
  })
})
