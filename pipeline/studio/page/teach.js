// Teaching: not built yet.
export class Teach {
  commands() {
    return [];
  }
}
