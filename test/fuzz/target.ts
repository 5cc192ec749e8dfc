import type { Random } from './random.ts'

/** An input that must not be taken, and was; or one that must be, and was not; or two answers to one question. */
export class WrongAnswer extends Error {
  override name = 'WrongAnswer'
}

/** Something that takes bytes from strangers, and what must hold of its answers. */
export interface Target {
  name: string
  /** one mutation that knows the format */
  mutate(bytes: Buffer, random: Random, corpus: readonly Buffer[]): Buffer
  /**
   * Gives it an input and checks everything that is promised of the answer. It depends on the input alone, so that a finding can be repeated and made smaller.
   * @returns whether the input was taken
   * @throws WrongAnswer, or whatever escapes from the code: both are findings
   */
  check(input: Buffer): boolean | Promise<boolean>
}

/** Errors that mean "this input is refused". */
type ErrorClass = abstract new (...args: never[]) => Error

/** What a parser makes of an input; undefined when it refuses it with one of the errors that it promises. Any other error is thrown. */
export function taken<T>(parse: () => T, refusals: readonly ErrorClass[]): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined
    throw error
  }
}

/** @throws WrongAnswer unless it holds */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new WrongAnswer(what)
}
