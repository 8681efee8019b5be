using System.Text;

namespace MoEActors.Cli.Invocation;

/// <summary>
/// Text on its way to a terminal: lines that are too long for it end between words. A line is written when it is complete; of one that is flushed before, the
/// words that are.
/// </summary>
/// <param name="inner">The terminal.</param>
/// <param name="width">Its columns now.</param>
internal sealed class WordFlow(TextWriter inner, Func<int> width)
{
    private readonly StringBuilder _line = new();

    /// <summary>Cells of the row that have been written before the line was complete.</summary>
    private int _column;

    /// <summary>Takes text.</summary>
    public void Write(ReadOnlySpan<char> text)
    {
        for (int end; (end = text.IndexOf('\n')) >= 0; text = text[(end + 1)..])
        {
            _line.Append(text[..end].TrimEnd('\r'));
            EndLine();
        }

        _line.Append(text);
    }

    /// <summary>Ends a line.</summary>
    public void EndLine()
    {
        if (_column > 0)
        {
            Continue(_line.ToString());
            inner.WriteLine();
        }
        else
        {
            foreach (string row in WordWrap.Rows(_line.ToString(), width()))
            {
                inner.WriteLine(row);
            }
        }

        _line.Clear();
        _column = 0;
    }

    /// <summary>Writes what is known to be whole words.</summary>
    public void Flush()
    {
        string line = _line.ToString();
        int whole = line.LastIndexOf(' ');
        if (whole > 0 || WordWrap.Cells(line) >= width())
        {
            whole = whole > 0 ? whole : line.Length;
            Continue(line[..whole]);
            _line.Remove(0, whole);
        }

        inner.Flush();
    }

    /// <summary>Writes all that there is, before something else is drawn or the program ends.</summary>
    public void Finish()
    {
        Continue(_line.ToString());
        _line.Clear();
        inner.Flush();
    }

    /// <summary>Goes on with a row.</summary>
    private void Continue(string text)
    {
        for (int start = 0; start < text.Length;)
        {
            int word = start;
            while (word < text.Length && text[word] == ' ')
            {
                word++;
            }

            int end = text.IndexOf(' ', word) is >= 0 and var space ? space : text.Length;
            string part = text[word..end];
            if (_column > 0 && _column + (word - start) + WordWrap.Cells(part) > width())
            {
                inner.WriteLine();
                (_column, start) = (0, word);
            }

            inner.Write(text[start..end]);
            _column += word - start + WordWrap.Cells(part);
            start = end;
        }
    }
}
