using System.Text;
using MoEActors.Client.Data;

namespace MoEActors.Tests.Client.Data;

public sealed class DocumentationTextTests
{
    [Theory]
    [InlineData("<summary>Gets the  value\n   of it.</summary>", "Gets the value of it.")]
    [InlineData("<param name=\"x\">An <see cref=\"T:System.IntPtr\" /> object.</param>", "An System.IntPtr object.")]
    [InlineData("<returns>\n  <see langword=\"true\" /> if <paramref name=\"a\" /> &lt; <typeparamref name=\"T\" />.</returns>", "true if a < T.")]
    [InlineData("<remarks><para>One.</para><para>Two.</para></remarks>", "One. Two.")]
    [InlineData("<exception cref=\"T:System.Exception\">When <c>x</c>, see <see href=\"http://a.b\">here</see>.</exception>", "When x, see here.")]
    [InlineData("<summary>  </summary>", null)]
    [InlineData("<summary />", null)]
    [InlineData("<typeparam name=\"T\">Not taken.</typeparam><value>Nor this.</value>", null)]
    [InlineData("<summary>a<![CDATA[ <b> ]]>c</summary>", "a <b> c")]
    [InlineData("<summary>H<sub>2</sub>O &#233;&amp;</summary>", "H2O é&")]
    public void Prose_is_taken_out_of_an_element(string xml, string? expected) =>
        Assert.Equal(expected is null ? "" : expected + "\n", Extract($"<member name=\"M:X\">{xml}</member>"));

    [Fact]
    public void Every_element_is_a_line_of_its_own() =>
        Assert.Equal("A.\nB.\nC.\n", Extract("<member><summary>A.</summary><param name=\"p\">B.</param></member><member><returns>C.</returns></member>"));

    [Theory]
    [InlineData("T:System.Collections.Generic.List`1", "System.Collections.Generic.List")]
    [InlineData("M:System.Collections.Generic.List`1.Add(`0)", "System.Collections.Generic.List.Add")]
    [InlineData("M:System.String.#ctor(System.Char,System.Int32)", "System.String")]
    [InlineData("M:System.Collections.Generic.List`1.#ctor", "System.Collections.Generic.List")]
    [InlineData("M:System.Linq.Enumerable.Select``2(System.Func{``0,``1})", "System.Linq.Enumerable.Select")]
    [InlineData("M:System.Decimal.op_Explicit(System.Decimal)~System.Int32", "System.Decimal.op_Explicit")]
    [InlineData("P:System.String.Length", "System.String.Length")]
    [InlineData("Overload:System.Console.WriteLine", "System.Console.WriteLine")]
    [InlineData("N:System", "System")]
    [InlineData("!:Anything", "Anything")]
    public void References_become_names(string reference, string name) => Assert.Equal(name, ReferenceName.Of(reference));

    private static string Extract(string members)
    {
        string xml = $"<?xml version=\"1.0\"?><doc><assembly><name>X</name></assembly><members>{members}</members></doc>";
        return Encoding.UTF8.GetString(DocumentationText.Extract(new MemoryStream(Encoding.UTF8.GetBytes(xml))));
    }
}
