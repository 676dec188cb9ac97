"""Given and family names in three languages, with what an e-mail address makes of them."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from functools import cache

GIVEN = {
    "en": """
        Amelia, Andrew, Anna, Anthony, Ava, Benjamin, Beth, Brian, Carla, Caleb, Charlotte, Claire, Daniel,
        David, Diane, Edward, Ella, Emily, Ethan, Eva, Frank, Gabriel, Grace, Hannah, Harold, Helen, Henry,
        Isaac, Ivy, Jack, James, Jane, Joan, Jonah, Joseph, Julia, Karen, Kevin, Laura, Leah, Leo, Lily,
        Louis, Lucy, Marcus, Maria, Martin, Megan, Nathan, Nora, Oliver, Oscar, Paula, Peter, Rachel,
        Robert, Rosa, Ruth, Samuel, Sarah, Simon, Sofia, Stella, Thomas, Violet, Walter, Wendy, William,
        Zoe
    """,
    "vi": """
        An, Anh, Bảo, Bình, Chi, Cường, Diễm, Dũng, Dương, Đạt, Đức, Giang, Hà, Hải, Hạnh, Hiền, Hiếu, Hoa,
        Hoàng, Hồng, Hùng, Hương, Huy, Khánh, Khoa, Lan, Liên, Linh, Long, Ly, Mai, Minh, My, Nam, Nga,
        Ngân, Ngọc, Nhung, Phong, Phúc, Phương, Quân, Quang, Quỳnh, Sơn, Tâm, Thảo, Thành, Thu, Thủy, Tiến,
        Trang, Trung, Tú, Tuấn, Tùng, Uyên, Vân, Việt, Vinh, Vy, Yến, Bảo Ngọc, Gia Hân, Hải Yến,
        Khánh Linh, Minh Anh, Ngọc Mai, Phương Thảo, Quốc Bảo, Thanh Tâm, Thu Hà
    """,
    "zh": """
        伟 Wei, 芳 Fang, 娜 Na, 秀英 Xiuying, 敏 Min, 静 Jing, 丽 Li, 强 Qiang, 磊 Lei, 军 Jun, 洋 Yang,
        勇 Yong, 艳 Yan, 杰 Jie, 娟 Juan, 涛 Tao, 明 Ming, 超 Chao, 霞 Xia, 平 Ping, 刚 Gang, 桂英 Guiying,
        子涵 Zihan, 雨桐 Yutong, 浩然 Haoran, 欣怡 Xinyi, 梓轩 Zixuan, 诗涵 Shihan, 俊杰 Junjie,
        思远 Siyuan, 佳怡 Jiayi, 一诺 Yinuo, 宇航 Yuhang, 晓明 Xiaoming, 建国 Jianguo, 海燕 Haiyan,
        志强 Zhiqiang, 文静 Wenjing, 美玲 Meiling, 春梅 Chunmei
    """,
}
FAMILY = {
    "en": """
        Adams, Allen, Archer, Bailey, Baker, Barnes, Bennett, Brooks, Brown, Campbell, Carter, Clark,
        Collins, Cooper, Cox, Davies, Dixon, Edwards, Ellis, Evans, Fisher, Foster, Garcia, Gibson, Gray,
        Green, Griffin, Hall, Harris, Hayes, Hill, Howard, Hughes, Jackson, Jones, Kelly, King, Lawson,
        Lewis, Lopez, Marsh, Mason, Miller, Mitchell, Moore, Morgan, Murphy, Nelson, Owens, Parker, Perry,
        Porter, Price, Reed, Rivera, Roberts, Ross, Russell, Sanders, Shaw, Simmons, Stone, Taylor, Turner,
        Walker, Ward, Watson, West, White, Wood, Wright, Young
    """,
    "vi": """
        Nguyễn, Nguyễn, Nguyễn, Trần, Trần, Lê, Lê, Phạm, Hoàng, Huỳnh, Phan, Vũ, Võ, Đặng, Bùi, Đỗ, Hồ,
        Ngô, Dương, Lý
    """,
    "zh": """
        王 Wang, 李 Li, 张 Zhang, 刘 Liu, 陈 Chen, 杨 Yang, 赵 Zhao, 黄 Huang, 周 Zhou, 吴 Wu, 徐 Xu,
        孙 Sun, 胡 Hu, 朱 Zhu, 高 Gao, 林 Lin, 何 He, 郭 Guo, 马 Ma, 罗 Luo
    """,
}


@dataclass(frozen=True)
class Name:
    """A name as written, and the part of an e-mail address before the @ that it leads to (ASCII)."""

    first: str
    last: str
    local: str


def draw_name(rng: random.Random, language: str) -> Name:
    """A name of the language `en`, `vi` or `zh`."""
    given, family = rng.choice(_listed(GIVEN[language])), rng.choice(_listed(FAMILY[language]))
    if language == "zh":
        (given, given_pinyin), (family, family_pinyin) = given.split(), family.split()
        return Name(given, family, _ascii(f"{given_pinyin}.{family_pinyin}"))
    return Name(given, family, _ascii(f"{given}.{family}"))


@cache
def _listed(names: str) -> list[str]:
    return [" ".join(name.split()) for name in names.split(",")]


def _ascii(text: str) -> str:
    # đ has no decomposition, so it is the one letter that dropping the marks would lose.
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d").replace(" ", ""))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
