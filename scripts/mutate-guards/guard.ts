/** A piece of source, and what stands in its place when somebody takes it out. */
export interface Cut {
  file: string
  /** stands exactly once in the file */
  text: string
  without: string
}

/** One guard, and the test that notices when it is gone. */
export interface Guard extends Cut {
  /** what it sees to, as an auditor would say it */
  name: string
  /** the test file */
  test: string
  /** the tests of it that are run, as a pattern over their names; all of them when absent */
  only?: string[]
  /** the tests look at what is deployed: the tree is packaged first */
  template?: true
  /**
   * A second guard stops the same: without either of them alone nobody is harmed, and no test fails. Then both are taken out, and it is shown that
   * one alone is not missed.
   */
  covered?: Cut & { by: string }
}
