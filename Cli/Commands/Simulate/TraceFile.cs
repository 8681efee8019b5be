using MoEActors.Modules.Checkpoints;
using MoEActors.Placement.Load;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>
/// Reads a trace: a header with the columns <c>step,layer,expert,tokens</c> in any order, others beside them, then one line per step, layer and expert. Steps
/// ascend; every step lists every expert of the first one once, in any order. Layers may have any numbers; their experts are numbered from 0.
/// </summary>
internal sealed class TraceReader
{
    private const string Header = "step,layer,expert,tokens";

    private static readonly string[] Columns = Header.Split(',');

    private readonly string _file;
    private readonly List<LoadSample> _rows = [];
    private readonly List<long> _lineOfRow = [];
    private readonly SortedDictionary<int, SortedDictionary<int, long>> _firstStep = [];
    private int[] _fieldOf = [];
    private int _fields;
    private Dictionary<int, int>? _layers;
    private long[][] _tokens = [];
    private int _missing;
    private long _step = -1;
    private long _line;

    private TraceReader(string file) => _file = file;

    /// <summary>Reads a file.</summary>
    /// <exception cref="TraceException">The first thing that is wrong with it.</exception>
    public static LoadTrace Read(string file)
    {
        RegularFile.Require(file);
        TraceReader reader = new(file);
        foreach (string line in File.ReadLines(file))
        {
            reader._line++;
            if (reader._line == 1)
            {
                reader.TakeHeader(line);
            }
            else if (!string.IsNullOrWhiteSpace(line))
            {
                reader.Take(line);
            }
        }

        reader.CloseStep();
        if (reader._rows.Count == 0)
        {
            throw reader.Wrong($"no step follows the header {Header}.");
        }

        reader.RequireNoHole();
        return new LoadTrace(reader._rows);
    }

    /// <summary>Finds which field is which column.</summary>
    private void TakeHeader(string line)
    {
        string[] names = FieldsOf(line.Trim('\uFEFF'));
        _fields = names.Length;
        _fieldOf = [.. Columns.Select(column => Array.FindIndex(names, name => name.Equals(column, StringComparison.OrdinalIgnoreCase)))];
        if (_fieldOf.Contains(-1))
        {
            throw Wrong($"the header must be {Header}, in any order, with or without other columns; '{Shortened(line)}' is not.");
        }

        foreach (string column in Columns)
        {
            if (names.Count(name => name.Equals(column, StringComparison.OrdinalIgnoreCase)) > 1)
            {
                throw Wrong($"the header has the column {column} twice; once is needed.");
            }
        }
    }

    private void Take(string line)
    {
        string[] fields = FieldsOf(line);
        if (fields.Length != _fields)
        {
            throw Wrong($"{(_fields == Columns.Length ? "four" : _fields)} fields are needed, as in the header; there {(fields.Length == 1 ? "is 1" : $"are {fields.Length}")}.");
        }

        long step = Number(fields[_fieldOf[0]], "step", long.MaxValue);
        int layer = (int)Number(fields[_fieldOf[1]], "layer", int.MaxValue);
        int expert = (int)Number(fields[_fieldOf[2]], "expert", int.MaxValue);
        long tokens = Number(fields[_fieldOf[3]], "tokens", long.MaxValue >> 20);
        if (step < _step)
        {
            throw Wrong($"step: {step} comes after {_step}; steps must ascend.");
        }

        if (step > _step)
        {
            CloseStep();
            OpenStep(step);
        }

        if (_layers is not null)
        {
            Count(layer, expert, tokens);
            return;
        }

        SortedDictionary<int, long> experts = _firstStep.TryGetValue(layer, out SortedDictionary<int, long>? known) ? known : _firstStep[layer] = [];
        if (!experts.TryAdd(expert, tokens))
        {
            throw Twice(layer, expert);
        }
    }

    private void Count(int layer, int expert, long tokens)
    {
        if (!_layers!.TryGetValue(layer, out int index))
        {
            throw Wrong($"layer: {layer} is unknown; the first step has layers {string.Join(", ", _layers.Keys)}.");
        }

        if (expert >= _tokens[index].Length)
        {
            throw Wrong($"expert: {expert} is unknown; layer {layer} has experts 0 to {_tokens[index].Length - 1} in the first step.");
        }

        if (_tokens[index][expert] >= 0)
        {
            throw Twice(layer, expert);
        }

        _tokens[index][expert] = tokens;
        _missing--;
    }

    private void OpenStep(long step)
    {
        _step = step;
        _lineOfRow.Add(_line);
        if (_layers is not null)
        {
            _tokens = [.. _rows[0].Tokens.Select(layer => Enumerable.Repeat(-1L, layer.Length).ToArray())];
            _missing = _tokens.Sum(layer => layer.Length);
        }
    }

    private void CloseStep()
    {
        if (_step < 0)
        {
            return;
        }

        if (_layers is null)
        {
            _layers = _firstStep.Keys.Index().ToDictionary(layer => layer.Item, layer => layer.Index);
            foreach ((int layer, SortedDictionary<int, long> experts) in _firstStep)
            {
                int expected = 0;
                foreach (int expert in experts.Keys)
                {
                    if (expert != expected++)
                    {
                        throw Gap(layer, expected - 1);
                    }
                }
            }

            _tokens = [.. _firstStep.Values.Select(experts => experts.Values.ToArray())];
        }
        else if (_missing > 0)
        {
            int index = Array.FindIndex(_tokens, layer => layer.Contains(-1));
            throw Gap(_layers.First(layer => layer.Value == index).Key, Array.IndexOf(_tokens[index], -1));
        }

        _rows.Add(new LoadSample(_step, _tokens));
    }

    /// <summary>A single interval at least twice as long as both its neighbours is a hole; intervals that change for good are not.</summary>
    private void RequireNoHole()
    {
        for (int row = 2; row < _rows.Count - 1; row++)
        {
            long before = Interval(row - 1), here = Interval(row), after = Interval(row + 1);
            if (here >= 2 * before && here >= 2 * after)
            {
                _line = _lineOfRow[row];
                throw Wrong($"step: {_rows[row].Step} follows {_rows[row - 1].Step}, a gap: the steps before are {before} apart, those after {after}.");
            }
        }

        long Interval(int row) => _rows[row].Step - _rows[row - 1].Step;
    }

    private string[] FieldsOf(string line) =>
        CsvLine.Fields(line) ?? throw Wrong($"a quotation mark is not closed, or something follows it: '{Shortened(line)}'.");

    /// <summary>A whole number, also one that a spreadsheet or a table of floats wrote as 10.0.</summary>
    private long Number(string text, string field, long most)
    {
        if (!PlainNumber.TryParse(text, out long value))
        {
            if (!PlainNumber.TryParse(text, out double real) || !double.IsInteger(real) || Math.Abs(real) >= 1L << 53)
            {
                throw Wrong($"{field}: '{Shortened(text)}' is no whole number.");
            }

            value = (long)real;
        }

        if (value < 0 || value > most)
        {
            throw Wrong($"{field}: {value} is {(value < 0 ? "negative" : "too large")}.");
        }

        return value;
    }

    private TraceException Gap(int layer, int expert) =>
        Wrong($"expert: a gap: step {_step} ends here without expert {expert} of layer {layer}.");

    private TraceException Twice(int layer, int expert) => Wrong($"expert: {expert} of layer {layer} is listed twice in step {_step}.");

    private TraceException Wrong(string error) => new(_file, Math.Max(1, _line), error);

    private static string Shortened(string text) => VisibleText.OfName(text.Length <= 40 ? text : $"{text[..40]}...");
}

/// <summary>Writes a trace as <see cref="TraceReader"/> reads it. Dense layers have no lines.</summary>
internal static class TraceWriter
{
    /// <summary>Writes a file, and says so.</summary>
    public static async Task WriteAsync(LoadTrace trace, string file, CommandOutput output, CancellationToken cancellation)
    {
        await OutputFile.WriteAsync(file, stream => Write(trace, stream), output, TimeProvider.System, cancellation);
        output.Out.WriteLine($"{trace.Rows.Length} sampled steps of {trace.Experts.Length} layers written to {file}.");
    }

    private static void Write(LoadTrace trace, Stream stream)
    {
        using StreamWriter writer = new(stream, leaveOpen: true);
        writer.Write("step,layer,expert,tokens\n");
        foreach (LoadSample row in trace.Rows)
        {
            for (int layer = 0; layer < row.Tokens.Length; layer++)
            {
                for (int expert = 0; expert < row.Tokens[layer].Length; expert++)
                {
                    writer.Write($"{row.Step},{layer},{expert},{row.Tokens[layer][expert]}\n");
                }
            }
        }
    }
}

/// <summary>A trace that cannot be read. The message names the file, the line and the field.</summary>
internal sealed class TraceException(string file, long line, string error)
    : Exception($"{file}, line {line}: {error}");
