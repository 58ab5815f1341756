/// First in, first out, in pieces of a thousand: what has been taken out is freed while the rest waits.
struct Queue<Element> {
    private static var pieceSize: Int { 1_024 }

    private var pieces: [[Element]] = []
    private var firstPiece = 0
    /// Of the first piece, what has been taken out.
    private var taken = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var first: Element? { count == 0 ? nil : pieces[firstPiece][taken] }

    mutating func append(_ element: Element) {
        if let last = pieces.last, last.count < Self.pieceSize {
            pieces[pieces.count - 1].append(element)
        } else {
            var piece: [Element] = []
            // Few things wait most of the time, and many do in whole pieces.
            if count > 0 { piece.reserveCapacity(Self.pieceSize) }
            piece.append(element)
            pieces.append(piece)
        }
        count += 1
    }

    mutating func removeFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = pieces[firstPiece][taken]
        taken += 1
        count -= 1
        if taken == pieces[firstPiece].count { dropPiece() }
        return element
    }

    /// The `index`th element from the front.
    subscript(index: Int) -> Element {
        get { pieces[place(index).piece][place(index).offset] }
        set {
            let (piece, offset) = place(index)
            pieces[piece][offset] = newValue
        }
    }

    /// All pieces but the first and the last are full; the first was, unless it is the last.
    private func place(_ index: Int) -> (piece: Int, offset: Int) {
        let offset = taken + index
        return (firstPiece + offset / Self.pieceSize, offset % Self.pieceSize)
    }

    mutating func removeAll() { self = Queue() }

    private mutating func dropPiece() {
        pieces[firstPiece] = []
        firstPiece += 1
        taken = 0
        if count == 0 {
            pieces = []
            firstPiece = 0
        } else if firstPiece > 64, firstPiece > pieces.count / 2 {
            pieces.removeFirst(firstPiece)
            firstPiece = 0
        }
    }
}
