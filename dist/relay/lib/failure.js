// What a person has to correct, as one sentence that says what to do.

export class Failure extends Error {
  // `status` is the exit code: 2 if the command line is wrong, else 1.
  constructor(message, status = 1) {
    super(message);
    this.status = status;
  }
}

// A mistake on the command line.
export function misuse(message) {
  return new Failure(`${message}. \`nexus-relay --help\` lists the options`, 2);
}
