/** Why work is given up when the stack goes down: the execution goes on from here when it comes up again, and so does what it waits for. */
export class Suspended extends Error {
  override name = 'Suspended'
}
